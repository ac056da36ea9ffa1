package funcs

import (
	"sync"

	"github.com/dot-do/dotdo-proxy/backend/sql/system"
)

// Postgres returns PostgreSQL's function, operator and aggregate table.
var Postgres = sync.OnceValue(func() Table {
	return parseTable(pgOperators, pgStrings, pgNumbers, pgDates, pgJSON, pgArrays, pgAggregates, pgSession, system.FunctionTable)
})

// MySQL returns MySQL's function and aggregate table.
var MySQL = sync.OnceValue(func() Table {
	return parseTable(myStrings, myNumbers, myDates, myJSON, myAggregates, mySession)
})
