package kv

// setVerbs are the commands on sets.
var setVerbs = map[string]Verb{
	"SADD":        {Arity: -3, Write: true, FirstKey: 1, LastKey: 1, Step: 1},
	"SCARD":       {Arity: 2, FirstKey: 1, LastKey: 1, Step: 1},
	"SDIFF":       {Arity: -2, FirstKey: 1, LastKey: -1, Step: 1},
	"SDIFFSTORE":  {Arity: -3, Write: true, FirstKey: 1, LastKey: -1, Step: 1},
	"SINTER":      {Arity: -2, FirstKey: 1, LastKey: -1, Step: 1},
	"SINTERCARD":  {Arity: -3, NumKeys: 1},
	"SINTERSTORE": {Arity: -3, Write: true, FirstKey: 1, LastKey: -1, Step: 1},
	"SISMEMBER":   {Arity: 3, FirstKey: 1, LastKey: 1, Step: 1},
	"SMEMBERS":    {Arity: 2, FirstKey: 1, LastKey: 1, Step: 1},
	"SMISMEMBER":  {Arity: -3, FirstKey: 1, LastKey: 1, Step: 1},
	"SMOVE":       {Arity: 4, Write: true, FirstKey: 1, LastKey: 2, Step: 1},
	"SPOP":        {Arity: -2, Write: true, FirstKey: 1, LastKey: 1, Step: 1},
	"SRANDMEMBER": {Arity: -2, FirstKey: 1, LastKey: 1, Step: 1},
	"SREM":        {Arity: -3, Write: true, FirstKey: 1, LastKey: 1, Step: 1},
	"SSCAN":       {Arity: -3, FirstKey: 1, LastKey: 1, Step: 1},
	"SUNION":      {Arity: -2, FirstKey: 1, LastKey: -1, Step: 1},
	"SUNIONSTORE": {Arity: -3, Write: true, FirstKey: 1, LastKey: -1, Step: 1},
}
