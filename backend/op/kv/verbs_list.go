package kv

// listVerbs are the commands on lists.
var listVerbs = map[string]Verb{
	"BLMOVE":     {Arity: 6, Write: true, FirstKey: 1, LastKey: 2, Step: 1},
	"BLMPOP":     {Arity: -5, Write: true, NumKeys: 2},
	"BLPOP":      {Arity: -3, Write: true, FirstKey: 1, LastKey: -2, Step: 1},
	"BRPOP":      {Arity: -3, Write: true, FirstKey: 1, LastKey: -2, Step: 1},
	"BRPOPLPUSH": {Arity: 4, Write: true, FirstKey: 1, LastKey: 2, Step: 1},
	"LINDEX":     {Arity: 3, FirstKey: 1, LastKey: 1, Step: 1},
	"LINSERT":    {Arity: 5, Write: true, FirstKey: 1, LastKey: 1, Step: 1},
	"LLEN":       {Arity: 2, FirstKey: 1, LastKey: 1, Step: 1},
	"LMOVE":      {Arity: 5, Write: true, FirstKey: 1, LastKey: 2, Step: 1},
	"LMPOP":      {Arity: -4, Write: true, NumKeys: 1},
	"LPOP":       {Arity: -2, Write: true, FirstKey: 1, LastKey: 1, Step: 1},
	"LPOS":       {Arity: -3, FirstKey: 1, LastKey: 1, Step: 1},
	"LPUSH":      {Arity: -3, Write: true, FirstKey: 1, LastKey: 1, Step: 1},
	"LPUSHX":     {Arity: -3, Write: true, FirstKey: 1, LastKey: 1, Step: 1},
	"LRANGE":     {Arity: 4, FirstKey: 1, LastKey: 1, Step: 1},
	"LREM":       {Arity: 4, Write: true, FirstKey: 1, LastKey: 1, Step: 1},
	"LSET":       {Arity: 4, Write: true, FirstKey: 1, LastKey: 1, Step: 1},
	"LTRIM":      {Arity: 4, Write: true, FirstKey: 1, LastKey: 1, Step: 1},
	"RPOP":       {Arity: -2, Write: true, FirstKey: 1, LastKey: 1, Step: 1},
	"RPOPLPUSH":  {Arity: 3, Write: true, FirstKey: 1, LastKey: 2, Step: 1},
	"RPUSH":      {Arity: -3, Write: true, FirstKey: 1, LastKey: 1, Step: 1},
	"RPUSHX":     {Arity: -3, Write: true, FirstKey: 1, LastKey: 1, Step: 1},
}
