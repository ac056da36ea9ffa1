package system

import (
	"strconv"
	"sync"
)

// shape is how PostgreSQL stores a type, as pg_attribute repeats it.
type shape struct {
	length         int
	byval          bool
	align, storage string
	collation      uint32
}

// typeShapes indexes the shapes of types.
var typeShapes = sync.OnceValue(func() map[uint32]shape {
	m := map[uint32]shape{}
	for _, l := range table("types") {
		n, _ := strconv.Atoi(l[2])
		m[num(l[0])] = shape{length: n, byval: l[3] == "t", align: l[18], storage: l[19], collation: num(l[20])}
	}
	return m
})

// opclasses maps types to their default btree operator class.
var opclasses = sync.OnceValue(func() map[uint32]uint32 {
	m := map[uint32]uint32{}
	for _, l := range table("opclasses") {
		if l[1] == "403" && l[5] == "t" {
			m[num(l[4])] = num(l[0])
		}
	}
	return m
})

// opclassOf returns the default btree operator class of a type.
func opclassOf(typ uint32) uint32 {
	if typ == 1043 { // varchar uses text's
		typ = 25
	}
	if c := opclasses()[typ]; c != 0 {
		return c
	}
	return opclasses()[25]
}
