package kv

// streamVerbs are the commands on streams.
var streamVerbs = map[string]Verb{
	"XACK":       {Arity: -4, Write: true, FirstKey: 1, LastKey: 1, Step: 1},
	"XADD":       {Arity: -5, Write: true, FirstKey: 1, LastKey: 1, Step: 1},
	"XAUTOCLAIM": {Arity: -6, Write: true, FirstKey: 1, LastKey: 1, Step: 1},
	"XCLAIM":     {Arity: -6, Write: true, FirstKey: 1, LastKey: 1, Step: 1},
	"XDEL":       {Arity: -3, Write: true, FirstKey: 1, LastKey: 1, Step: 1},
	"XGROUP":     {Arity: -2, Write: true, FirstKey: 2, LastKey: 2, Step: 1},
	"XINFO":      {Arity: -2, FirstKey: 2, LastKey: 2, Step: 1},
	"XLEN":       {Arity: 2, FirstKey: 1, LastKey: 1, Step: 1},
	"XPENDING":   {Arity: -3, FirstKey: 1, LastKey: 1, Step: 1},
	"XRANGE":     {Arity: -4, FirstKey: 1, LastKey: 1, Step: 1},
	"XREAD":      {Arity: -4, Before: "STREAMS"},
	"XREADGROUP": {Arity: -7, Write: true, Before: "STREAMS"},
	"XREVRANGE":  {Arity: -4, FirstKey: 1, LastKey: 1, Step: 1},
	"XSETID":     {Arity: -3, Write: true, FirstKey: 1, LastKey: 1, Step: 1},
	"XTRIM":      {Arity: -4, Write: true, FirstKey: 1, LastKey: 1, Step: 1},
}
