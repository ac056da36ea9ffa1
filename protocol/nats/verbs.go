package nats

import (
	"bytes"
	"encoding/json"
	"io"
	"sort"
	"strings"

	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/dot-do/dotdo-proxy/backend/op"
	"github.com/dot-do/dotdo-proxy/backend/op/doc"
	"github.com/dot-do/dotdo-proxy/backend/op/kv"
	"github.com/dot-do/dotdo-proxy/backend/op/msg"
)

// verbs are the operations of the bridge; kv.<verb> stands for every verb of
// kv.Verbs.
var verbs = map[string]func(*request) ([]byte, error){
	"doc.count":   docCount,
	"doc.delete":  docDelete,
	"doc.find":    docFind,
	"doc.insert":  docInsert,
	"msg.publish": msgPublish,
	"rel.query":   relQuery,
}

// verbList names the operations for an error message.
func verbList() string {
	list := []string{"kv.<verb>"}
	for v := range verbs {
		list = append(list, v)
	}
	sort.Strings(list)
	return strings.Join(list, " ")
}

// parse reads the request's JSON into dst; unknown fields are refused.
func (r *request) parse(dst any) error {
	d := json.NewDecoder(bytes.NewReader(r.data))
	d.UseNumber()
	d.DisallowUnknownFields()
	if err := d.Decode(dst); err != nil {
		return op.Errorf(op.Syntax, "request is not the JSON object %s takes: %v", r.verb, err)
	}
	if _, err := d.Token(); err != io.EOF {
		return op.Errorf(op.Syntax, "data after the request's JSON object")
	}
	return nil
}

// kvCommand runs one key-value command.
func kvCommand(r *request) ([]byte, error) {
	var in struct {
		DB   int   `json:"db"`
		Args []any `json:"args"`
	}
	if err := r.parse(&in); err != nil {
		return nil, err
	}
	if in.DB < 0 || in.DB > 15 {
		return nil, op.Errorf(op.InvalidArgument, "db is %d, want 0 to 15", in.DB)
	}
	cmd := &kv.Command{DB: in.DB, Verb: strings.ToUpper(strings.TrimPrefix(r.verb, "kv."))}
	verb, ok := kv.Verbs[cmd.Verb]
	if !ok {
		return nil, op.Errorf(op.Unsupported, "no key-value command %q", cmd.Verb)
	}
	for i, a := range in.Args {
		b, err := argBytes(a)
		if err != nil {
			return nil, op.Errorf(op.InvalidArgument, "args[%d]: %v", i, err)
		}
		cmd.Args = append(cmd.Args, b)
	}
	if n := len(cmd.Args) + 1; verb.Arity > 0 && n != verb.Arity || verb.Arity < 0 && n < -verb.Arity {
		return nil, op.Errorf(op.InvalidArgument, "wrong number of arguments for %s", cmd.Verb)
	}
	reply, err := r.do(cmd)
	if err != nil {
		return nil, err
	}
	defer reply.Close()
	var value op.Value
	if err := each(r, reply, func(f op.Frame) error {
		if v, ok := f.(*op.Values); ok && len(v.Values) > 0 {
			out, err := valueJSON(nil, v.Values[0])
			value = op.Raw(op.KindText, out)
			return err
		}
		return nil
	}); err != nil {
		return nil, err
	}
	if value.Raw == nil {
		value = op.Text("null")
	}
	return append(append([]byte(`{"value":`), value.Raw...), '}'), nil
}

// each calls f for every frame up to the end.
func each(r *request, reply op.Reply, f func(op.Frame) error) error {
	for {
		frame, err := reply.Next(r.ctx)
		if err == io.EOF {
			return nil
		}
		if err == nil {
			err = f(frame)
		}
		if err != nil {
			return err
		}
	}
}

// affected runs a body and answers the number of its Done frame.
func (r *request) affected(body op.Body, of func(*op.Done) int64) ([]byte, error) {
	reply, err := r.do(body)
	if err != nil {
		return nil, err
	}
	done, err := op.Drain(r.ctx, reply)
	if err != nil {
		return nil, err
	}
	if len(done.Extra) > 0 {
		return nil, writeError(done)
	}
	return json.Marshal(map[string]int64{"affected": of(done)})
}

// changed is the number of rows or documents that were changed.
func changed(d *op.Done) int64 { return d.Affected }

// writeError makes the first write error of an insert the request's error.
func writeError(d *op.Done) error {
	e := d.Extra[0].List()
	for i := 0; i+1 < len(e); i += 2 {
		if e[i].Str() == "error" {
			return op.Errorf(op.UniqueViolation, "%s (%d inserted before)", e[i+1].Str(), d.Affected)
		}
	}
	return op.Errorf(op.UniqueViolation, "a document was refused (%d inserted before)", d.Affected)
}

// docRequest is what all document verbs take.
type docRequest struct {
	Collection string            `json:"collection"`
	Filter     json.RawMessage   `json:"filter"`
	Docs       []json.RawMessage `json:"docs"`
	Skip       int64             `json:"skip"`
	Limit      int64             `json:"limit"`
	Multi      bool              `json:"multi"`
}

// docParse reads a document request with its filter.
func docParse(r *request) (*docRequest, *op.Expr, error) {
	in := &docRequest{}
	if err := r.parse(in); err != nil {
		return nil, nil, err
	}
	if in.Collection == "" {
		return nil, nil, op.Errorf(op.InvalidArgument, "collection is missing")
	}
	if in.Skip < 0 || in.Limit < 0 {
		return nil, nil, op.Errorf(op.InvalidArgument, "skip and limit must not be negative")
	}
	filter, err := parseFilter(in.Filter)
	return in, filter, err
}

// docInsert inserts documents given as extended JSON; one without _id gets an
// ObjectId.
func docInsert(r *request) ([]byte, error) {
	in, _, err := docParse(r)
	if err != nil {
		return nil, err
	}
	body := &doc.Insert{Collection: in.Collection, Ordered: true}
	for i, text := range in.Docs {
		d, err := parseDoc(text)
		if err != nil {
			return nil, op.Errorf(op.InvalidArgument, "docs[%d]: %v", i, err)
		}
		body.Docs = append(body.Docs, d)
	}
	if len(body.Docs) == 0 {
		return nil, op.Errorf(op.InvalidArgument, "docs is empty")
	}
	return r.affected(body, changed)
}

// docFind answers the documents that match as relaxed extended JSON.
func docFind(r *request) ([]byte, error) {
	in, filter, err := docParse(r)
	if err != nil {
		return nil, err
	}
	reply, err := r.do(&doc.Find{Collection: in.Collection, Filter: filter, Page: op.Page{Skip: in.Skip, Limit: in.Limit}})
	if err != nil {
		return nil, err
	}
	defer reply.Close()
	out := []byte(`{"docs":[`)
	n := 0
	err = each(r, reply, func(f op.Frame) error {
		docs, ok := f.(*op.Docs)
		if !ok {
			return nil
		}
		for _, d := range docs.Docs {
			text, err := bson.MarshalExtJSON(bson.Raw(d), false, false)
			if err != nil {
				return err
			}
			if n++; n > 1 {
				out = append(out, ',')
			}
			out = append(out, text...)
		}
		return r.fits(out)
	})
	return append(out, "]}"...), err
}

// docDelete deletes the first document that matches, or all with multi.
func docDelete(r *request) ([]byte, error) {
	in, filter, err := docParse(r)
	if err != nil {
		return nil, err
	}
	return r.affected(&doc.Delete{Collection: in.Collection, Filter: filter, Multi: in.Multi}, changed)
}

// docCount counts the documents that match.
func docCount(r *request) ([]byte, error) {
	in, filter, err := docParse(r)
	if err != nil {
		return nil, err
	}
	body := &doc.Count{Collection: in.Collection, Filter: filter, Page: op.Page{Skip: in.Skip, Limit: in.Limit}}
	return r.affected(body, func(d *op.Done) int64 { return d.Matched })
}

// msgPublish publishes to the subscribers of another wire's topic.
func msgPublish(r *request) ([]byte, error) {
	var in struct {
		Space   string `json:"space"`
		Topic   string `json:"topic"`
		Payload any    `json:"payload"`
	}
	if err := r.parse(&in); err != nil {
		return nil, err
	}
	if in.Topic == "" || in.Space == "" {
		return nil, op.Errorf(op.InvalidArgument, "space and topic are needed")
	}
	payload, err := argBytes(in.Payload)
	if err != nil {
		return nil, op.Errorf(op.InvalidArgument, "payload: %v", err)
	}
	return r.affected(&msg.Publish{Space: in.Space, Topic: in.Topic, Payload: payload}, changed)
}

// fits refuses a reply that has outgrown one message, before it grows further.
func (r *request) fits(out []byte) error {
	if len(out) > r.bridge.payload {
		return op.Errorf(op.TooLarge, "the reply is larger than one message of %d bytes; use limit", r.bridge.payload)
	}
	return nil
}
