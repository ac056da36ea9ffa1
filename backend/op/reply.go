package op

import (
	"context"
	"io"
)

// Reply streams the answer of one operation as small frames: at most one Head,
// any number of Rows, Docs, Values or Records, then Done, then io.EOF. A
// subscription is a Reply without Done that ends with Close. Frames and what
// they point to are valid until the next call of Next or Close. Every byte a
// Reply yields is already durable (the output gate lies below it).
type Reply interface {
	// Next returns the next frame, io.EOF after the last, or an *Error.
	Next(ctx context.Context) (Frame, error)
	// Close releases what the reply holds. It may be called at any time, twice.
	Close() error
}

// Frame is one piece of a Reply.
type Frame interface{ frame() }

// Head describes what follows: the columns of rows, or (answering
// rel.Describe) also the types of the parameters.
type Head struct {
	Columns []Column
	Params  []Type
}

// Rows is a batch of rows, flattened: row r, column c is Values[r*Cols+c]. All
// values are storage forms (see Base).
type Rows struct {
	Cols   int
	Values []Value
}

// N returns the number of rows of a batch with at least one column.
func (r *Rows) N() int {
	if r.Cols == 0 {
		return 0
	}
	return len(r.Values) / r.Cols
}

// Docs is a batch of BSON documents.
type Docs struct{ Docs [][]byte }

// Values is a list of replies, one for each command of a batch.
type Values struct{ Values []Value }

// Record is one message of a log, queue or topic.
type Record struct {
	Topic   string
	Pattern string // subscription pattern that matched, "" for an exact one
	Key     []byte
	Payload []byte
	Headers []string // name, value, name, value …
	LSN     uint64
}

// Records is a batch of messages.
type Records struct{ Records []Record }

// Done ends a reply.
type Done struct {
	Affected int64  // rows or documents changed, or returned by a query
	Matched  int64  // rows or documents the condition met
	LastID   int64  // first generated key of an insert, 0 = none
	LSN      uint64 // of the commit, or of the snapshot read
	Tag      string // SQL command word(s): "INSERT", "CREATE TABLE"
	More     bool   // a row limit ended the reply early; the rest can be fetched
	Notices  []Notice
	Extra    []Value // family specific: upserted ids, write errors …; each body documents it

	Records    int64 // rows an INSERT of several rows was given, -1 = it was given none, 0 = a single row
	Duplicates int64 // of them, rows replaced, updated or left out because of a key
	GivenID    int64 // MySQL: AUTO_INCREMENT value of the last row when the statement named it
}

// Notice is a warning or note beside a successful reply.
type Notice struct {
	Severity string // NOTICE or WARNING
	Code     Code
	Msg      string
	Object   string // kind, as in Error, when Code alone does not tell
}

// Members of the closed set Frame.
func (*Head) frame()    {}
func (*Rows) frame()    {}
func (*Docs) frame()    {}
func (*Values) frame()  {}
func (*Records) frame() {}
func (*Done) frame()    {}

// frames is a reply that is already complete in memory.
type frames struct {
	list []Frame
	at   int
}

// ReplyOf returns a reply made of the given frames.
func ReplyOf(list ...Frame) Reply { return &frames{list: list} }

// Next implements Reply.
func (f *frames) Next(context.Context) (Frame, error) {
	if f.at >= len(f.list) {
		return nil, io.EOF
	}
	f.at++
	return f.list[f.at-1], nil
}

// Close implements Reply.
func (f *frames) Close() error { f.at = len(f.list); return nil }

// Short is a reply of a few frames that its maker embeds in something larger.
type Short struct {
	list  [4]Frame
	n, at int
}

// Add appends a frame; there is room for four.
func (s *Short) Add(f Frame) {
	s.list[s.n] = f
	s.n++
}

// Next implements Reply.
func (s *Short) Next(context.Context) (Frame, error) {
	if s.at >= s.n {
		return nil, io.EOF
	}
	s.at++
	return s.list[s.at-1], nil
}

// Close implements Reply.
func (s *Short) Close() error { s.at = s.n; return nil }

// Drain reads a reply to its end and returns its Done frame (an empty one if
// there was none). It closes the reply.
func Drain(ctx context.Context, r Reply) (*Done, error) {
	defer r.Close()
	done := &Done{}
	for {
		f, err := r.Next(ctx)
		if err == io.EOF {
			return done, nil
		}
		if err != nil {
			return nil, err
		}
		if d, ok := f.(*Done); ok {
			done = d
		}
	}
}
