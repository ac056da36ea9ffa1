package kv

// scriptVerbs are the commands on scripts. A script's keys are those it is given.
var scriptVerbs = map[string]Verb{
	"EVAL":       {Arity: -3, Write: true, NumKeys: 2},
	"EVALSHA":    {Arity: -3, Write: true, NumKeys: 2},
	"EVALSHA_RO": {Arity: -3, NumKeys: 2},
	"EVAL_RO":    {Arity: -3, NumKeys: 2},
	"SCRIPT":     {Arity: -2},
}
