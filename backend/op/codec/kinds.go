package codec

import (
	"fmt"
	"reflect"
	"time"

	"github.com/dot-do/dotdo-proxy/backend/op"
	"github.com/dot-do/dotdo-proxy/backend/op/ctl"
	"github.com/dot-do/dotdo-proxy/backend/op/doc"
	"github.com/dot-do/dotdo-proxy/backend/op/kv"
	"github.com/dot-do/dotdo-proxy/backend/op/msg"
	"github.com/dot-do/dotdo-proxy/backend/op/rel"
)

// bodies is every body of the IR; the number of each is its own Kind.
var bodies = []op.Body{
	&rel.Parse{}, &rel.Query{}, &rel.Describe{}, &rel.CopyIn{}, &rel.CopyTarget{}, &rel.Scan{}, &rel.Over{},
	&doc.Insert{}, &doc.Find{}, &doc.Update{}, &doc.Delete{}, &doc.FindAndModify{}, &doc.Aggregate{}, &doc.Count{}, &doc.Distinct{},
	&doc.CreateIndexes{}, &doc.ListIndexes{}, &doc.DropIndexes{}, &doc.CreateCollection{}, &doc.DropCollection{},
	&doc.RenameCollection{}, &doc.ListCollections{}, &doc.Stats{}, &doc.Explain{}, &doc.Bulk{}, &doc.ModifyCollection{}, &doc.Watch{},
	&kv.Command{}, &kv.Check{}, &kv.Version{}, &kv.Stats{},
	&msg.Publish{}, &msg.Subscribe{}, &msg.Topics{}, &msg.Adjust{},
	&ctl.Begin{}, &ctl.Commit{}, &ctl.Rollback{}, &ctl.Savepoint{}, &ctl.Batch{}, &ctl.CreateDatabase{}, &ctl.DropDatabase{},
	&ctl.ListDatabases{}, &ctl.OpenDatabase{},
}

// frames is every frame of a reply; the number of each is its place here. They
// are pinned: add at the end.
var frames = []op.Frame{nil, &op.Head{}, &op.Rows{}, &op.Docs{}, &op.Values{}, &op.Records{}, &op.Done{}}

// Types with a form of their own.
var (
	bodyType  = reflect.TypeFor[op.Body]()
	frameType = reflect.TypeFor[op.Frame]()
	valueType = reflect.TypeFor[op.Value]()
	timeType  = reflect.TypeFor[time.Time]()
	errorType = reflect.TypeFor[error]()
	stmtType  = reflect.TypeFor[rel.Stmt]()
)

// stmtFields are the fields of a statement that travel; the other node parses
// the text again and keeps its own plan.
var stmtFields = map[string]bool{"Dialect": true, "Text": true, "SQLMode": true, "ParamTypes": true}

// kindTable maps both ways between numbers and the types of an interface.
type kindTable struct {
	types map[uint64]reflect.Type // struct types
	kinds map[reflect.Type]uint64 // pointer types
}

// tables has the members of each closed interface.
var tables = map[reflect.Type]kindTable{bodyType: bodyKinds(), frameType: frameKinds()}

// bodyKinds numbers the bodies.
func bodyKinds() kindTable {
	t := kindTable{map[uint64]reflect.Type{}, map[reflect.Type]uint64{}}
	for _, b := range bodies {
		t.add(uint64(b.Kind()), b)
	}
	return t
}

// frameKinds numbers the frames.
func frameKinds() kindTable {
	t := kindTable{map[uint64]reflect.Type{}, map[reflect.Type]uint64{}}
	for i, f := range frames {
		if f != nil {
			t.add(uint64(i), f)
		}
	}
	return t
}

// add enters a member; two with one number are a broken build.
func (t kindTable) add(kind uint64, member any) {
	p := reflect.TypeOf(member)
	if old, dup := t.types[kind]; dup {
		panic(fmt.Sprintf("codec: kind %d is both %s and %s", kind, old, p.Elem()))
	}
	t.types[kind], t.kinds[p] = p.Elem(), kind
}

// travels reports whether a field of a struct is serialised.
func travels(owner reflect.Type, f reflect.StructField) bool {
	if !f.IsExported() || f.Type == errorType {
		return false
	}
	return owner != stmtType || stmtFields[f.Name]
}
