package mongo

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net"
	"strings"
	"time"

	"github.com/dot-do/dotdo-proxy/backend/op/bsonval"
	"github.com/dot-do/dotdo-proxy/protocol"
	"go.mongodb.org/mongo-driver/v2/x/bsonx/bsoncore"
)

// preAuthLimit bounds messages before authentication when the host sets no
// limit: a hello with client metadata and a SCRAM payload need far less.
const preAuthLimit = 48 << 10

// conn is one client connection.
type conn struct {
	s       *server
	net     net.Conn
	in      *bufio.Reader
	out     *bufio.Writer
	session *protocol.Session
	user    string // authenticated user
	app     string // application name of the handshake
	authed  bool
	greeted bool // something was answered already
	scram   *saslConversation
	lastID  int32
	buf     []byte
}

// ServeConn implements protocol.Server.
func (s *server) ServeConn(ctx context.Context, nc net.Conn) error {
	ctx, kill := context.WithCancel(ctx)
	defer kill()
	c := &conn{s: s, net: nc, in: bufio.NewReaderSize(nc, 16<<10), out: bufio.NewWriterSize(nc, 16<<10), authed: s.env.Auth == nil || s.env.Auth.Trust()}
	c.session = &protocol.Session{System: s.env.Name, Remote: nc.RemoteAddr().String(), Kill: kill}
	s.env.Sessions.Add(c.session)
	defer s.env.Sessions.Remove(c.session)
	stop := context.AfterFunc(ctx, func() { _ = nc.SetReadDeadline(time.Unix(1, 0)) })
	defer stop()
	if t := s.env.Limits.AuthTimeout; t > 0 && !c.authed {
		_ = nc.SetReadDeadline(time.Now().Add(t))
	}
	for {
		err := c.step(ctx)
		if err == nil {
			continue
		}
		if f := c.out.Flush(); f == nil && (errors.Is(err, io.EOF) || ctx.Err() != nil) {
			return nil
		}
		return err
	}
}

// step serves one message.
func (c *conn) step(ctx context.Context) error {
	if c.in.Buffered() == 0 {
		if err := c.out.Flush(); err != nil {
			return err
		}
		if t := c.s.env.Limits.IdleTimeout; t > 0 && c.authed && ctx.Err() == nil {
			_ = c.net.SetReadDeadline(time.Now().Add(t))
		}
	}
	h, raw, err := c.read()
	if err != nil {
		return err
	}
	m, err := parseMessage(h, raw)
	if err != nil {
		// The frame was whole: answer, then close as MongoDB does after a
		// message it cannot parse.
		e := translate(err)
		_ = c.write(&message{requestID: h.requestID}, e.reply())
		return err
	}
	reply := c.run(ctx, m)
	c.greeted = true
	if reply == nil {
		return io.EOF
	}
	if m.moreToCome {
		return nil
	}
	return c.write(m, reply)
}

// read reads one whole message within the limits of the connection's state.
func (c *conn) read() (header, []byte, error) {
	var hb [headerLen]byte
	if _, err := io.ReadFull(c.in, hb[:]); err != nil {
		if errors.Is(err, io.ErrUnexpectedEOF) {
			err = io.EOF
		}
		return header{}, nil, err
	}
	h := parseHeader(hb[:])
	limit := preAuthLimit
	if l := c.s.env.Limits.PreAuth; l > 0 {
		limit = min(l, 1<<20)
	}
	if c.authed && c.greeted {
		limit = maxMessage
	}
	if h.length < headerLen || int64(h.length) > int64(limit) {
		return h, nil, errorf(failedToParse, "message length %d is out of bounds (limit %d)", h.length, limit)
	}
	raw := make([]byte, headerLen, min(int(h.length), 64<<10))
	copy(raw, hb[:])
	// Memory grows with what arrived, not with what was announced.
	for len(raw) < int(h.length) {
		n := min(int(h.length), 2*cap(raw))
		if cap(raw) < n && len(raw) == cap(raw) {
			raw = append(make([]byte, 0, n), raw...)
		}
		from := len(raw)
		raw = raw[:min(cap(raw), int(h.length))]
		if _, err := io.ReadFull(c.in, raw[from:]); err != nil {
			return h, nil, io.EOF
		}
	}
	return h, raw, nil
}

// write buffers one reply.
func (c *conn) write(m *message, doc []byte) error {
	c.lastID++
	c.buf = appendReply(c.buf[:0], m, c.lastID, doc)
	_, err := c.out.Write(c.buf)
	if cap(c.buf) > 1<<20 {
		c.buf = nil
	}
	return err
}

// run executes one message and returns the reply document.
func (c *conn) run(ctx context.Context, m *message) []byte {
	r, err := newRequest(c, m)
	if err != nil {
		return translate(err).reply()
	}
	if m.query && r.cmd.name != "hello" && r.cmd.name != "isMaster" {
		return errorf(unsupportedOpcode, "Unsupported OP_QUERY command: %s. The client driver may require an upgrade.", r.name).reply()
	}
	if !c.authed && !r.cmd.noAuth {
		return errorf(unauthorized, "Command %s requires authentication", r.name).reply()
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	c.session.SetCancel(cancel)
	defer c.session.SetCancel(nil)
	fail := c.s.fails.hit(r.cmd.name, c.app)
	if fail != nil {
		if err := fail.before(ctx, r); err == errHangUp {
			return nil
		} else if err != nil {
			return r.gossip(r.failed(ctx, err).reply())
		}
	}
	reply, err := r.execute(ctx)
	if err != nil {
		return r.gossip(r.failed(ctx, err).reply())
	}
	return r.gossip(fail.after(reply))
}

// request is one command under way.
type request struct {
	c    *conn
	cmd  *command
	name string // as the client wrote it
	body []byte
	db   string
	seqs []sequence
	sess *logicalSession // named by lsid
	txn  *transaction    // the command is part of it
	m    *message
	opt  common
}

// common are the fields every command may have.
type common struct {
	lsid        []byte
	txnNumber   int64
	hasTxn      bool // txnNumber was given
	autocommit  bool // false only when autocommit: false was given
	start       bool
	deadline    time.Time
	await       time.Duration // maxTimeMS of a getMore: how long to wait for events
	readConcern string
}

// newRequest looks the command up and reads the common fields.
func newRequest(c *conn, m *message) (*request, error) {
	it := bsonval.Elements(m.body)
	if !it.Next() {
		return nil, errorf(commandNotFound, "no command name was given")
	}
	r := &request{c: c, name: strings.Clone(it.Key()), body: m.body, seqs: m.seqs, m: m}
	r.cmd = lookup(r.name)
	if r.cmd == nil {
		return nil, errorf(commandNotFound, "no such command: '%s'", r.name)
	}
	if m.query {
		r.db, _, _ = strings.Cut(m.ns, ".")
	}
	return r, r.common()
}

// generic are the fields any command accepts and that need no code here:
// the effects they ask for hold anyway, or they are hints between servers.
var generic = map[string]bool{
	"$clusterTime": true, "$readPreference": true, "$client": true, "$audit": true, "$configServerState": true, "$configTime": true, "$topologyTime": true,
	"apiDeprecationErrors": true, "comment": true, "mayBypassWriteBlocking": true, "stmtId": true, "stmtIds": true, "recoveryToken": true, "serialization_context": true, "maxTimeMSOpOnly": true, "$queryOptions": true,
}

// common reads the common fields and refuses unknown ones.
func (r *request) common() error {
	r.opt.autocommit = true
	it := bsonval.Elements(r.body)
	it.Next()
	for it.Next() {
		v := it.Value
		switch key := it.Key(); key {
		case "$db":
			if v.Type != bsonval.String {
				return errorf(typeMismatch, "$db must be a string")
			}
			r.db = bsonval.Text(v)
		case "lsid":
			id := bsonval.Get(v.Data, "id")
			if v.Type != bsonval.Document || id.Type != bsonval.Binary {
				return errorf(failedToParse, "lsid must be a document with an id")
			}
			r.opt.lsid = id.Data
		case "txnNumber":
			n, ok := bsonval.Int(v)
			if !ok || n < 0 {
				return errorf(typeMismatch, "txnNumber must be a nonnegative integer")
			}
			r.opt.txnNumber, r.opt.hasTxn = n, true
		case "autocommit":
			r.opt.autocommit = bsonval.Truthy(v)
		case "startTransaction":
			r.opt.start = bsonval.Truthy(v)
		case "maxTimeMS":
			n, ok := bsonval.Int(v)
			if !ok || n < 0 || n > 1<<31-1 {
				return errorf(badValue, "maxTimeMS must be an integer from 0 to 2147483647")
			}
			if r.cmd.name == "getMore" {
				r.opt.await = time.Duration(n) * time.Millisecond
			} else if n > 0 {
				r.opt.deadline = time.Now().Add(time.Duration(n) * time.Millisecond)
			}
		case "readConcern":
			r.opt.readConcern = bsonval.Text(bsonval.Get(v.Data, "level"))
			switch r.opt.readConcern {
			case "", "local", "available", "majority", "snapshot", "linearizable":
			default:
				return errorf(failedToParse, "readConcern.level must be one of 'local', 'majority', 'linearizable', 'available' and 'snapshot'")
			}
		case "writeConcern":
			if w, ok := bsonval.Int(bsonval.Get(v.Data, "w")); ok && w > 50 {
				return errorf(failedToParse, "w has to be a non-negative number and not greater than 50; found: %d", w)
			}
		case "apiVersion":
			if bsonval.Text(v) != "1" {
				return errorf(code{322, "APIVersionError"}, "API version must be \"1\"")
			}
		case "apiStrict":
			if bsonval.Truthy(v) && !r.cmd.stable {
				return errorf(code{323, "APIStrictError"}, "Provided apiStrict:true, but the command %s is not in API Version 1", r.name)
			}
		default:
			if !generic[key] && !r.cmd.allows(key) {
				return errorf(unknownField, "BSON field '%s.%s' is an unknown field.", r.name, key)
			}
		}
	}
	if r.opt.readConcern == "snapshot" && r.opt.autocommit {
		return errorf(notImplemented, "readConcern level 'snapshot' outside a transaction is not supported")
	}
	if r.cmd.name == "bulkWrite" { // it names its databases itself
		if spaces, err := r.docs("nsInfo"); err == nil && len(spaces) > 0 {
			r.db, _, _ = strings.Cut(bsonval.Text(bsonval.Get(spaces[0], "ns")), ".")
		}
	}
	if r.db == "" {
		return errorf(missingField, "OP_MSG requests require a $db argument")
	}
	if len(r.db) > 63 || strings.ContainsAny(r.db, "/\\. \"$\x00") {
		return errorf(invalidNamespace, "Invalid database name: '%s'", r.db)
	}
	return nil
}

// get returns a field of the command.
func (r *request) get(key string) bsonval.V { return bsonval.Get(r.body, key) }

// first returns the value of the command's own field.
func (r *request) first() bsonval.V {
	it := bsonval.Elements(r.body)
	it.Next()
	return it.Value
}

// collection returns the collection the command names.
func (r *request) collection() (string, error) {
	v := r.first()
	if v.Type != bsonval.String {
		return "", errorf(invalidNamespace, "collection name has invalid type %s", v.Type)
	}
	name := bsonval.Text(v)
	if name == "" || strings.ContainsRune(name, 0) {
		return "", errorf(invalidNamespace, "Invalid namespace specified '%s.%s'", r.db, name)
	}
	return name, nil
}

// docs returns the documents of a field, wherever they were sent.
func (r *request) docs(key string) ([][]byte, error) {
	for _, s := range r.seqs {
		if s.name == key {
			return s.docs, nil
		}
	}
	v := r.get(key)
	if v.Type == 0 {
		return nil, errorf(missingField, "BSON field '%s.%s' is missing but a required field", r.name, key)
	}
	if v.Type != bsonval.Array {
		return nil, errorf(typeMismatch, "BSON field '%s.%s' is the wrong type '%s', expected type 'array'", r.name, key, v.Type)
	}
	var docs [][]byte
	for it := bsonval.Elements(v.Data); it.Next(); {
		if it.Value.Type != bsonval.Document {
			return nil, errorf(typeMismatch, "BSON field '%s.%s' must hold objects only", r.name, key)
		}
		docs = append(docs, it.Value.Data)
	}
	return docs, nil
}

// document returns a field that must be a document; absent gives nil.
func (r *request) document(key string) ([]byte, error) {
	v := r.get(key)
	switch v.Type {
	case 0, bsonval.Null:
		return nil, nil
	case bsonval.Document:
		return v.Data, nil
	}
	return nil, errorf(typeMismatch, "BSON field '%s.%s' is the wrong type '%s', expected type 'object'", r.name, key, v.Type)
}

// number returns a field that must be an integer; absent gives def.
func (r *request) number(key string, def int64) (int64, error) {
	v := r.get(key)
	if v.Type == 0 || v.Type == bsonval.Null {
		return def, nil
	}
	n, ok := bsonval.Int(v)
	if !ok || !bsonval.IsNumber(v) {
		return 0, errorf(typeMismatch, "BSON field '%s.%s' is the wrong type '%s', expected an integer", r.name, key, v.Type)
	}
	return n, nil
}

// truthy returns a boolean field.
func (r *request) truthy(key string) bool { return bsonval.Truthy(r.get(key)) }

// builder builds a reply document.
type builder struct {
	b []byte
	i int32
}

// newReply starts a document.
func newReply() *builder {
	i, b := bsoncore.AppendDocumentStart(nil)
	return &builder{b, i}
}

// add appends an element.
func (d *builder) add(key string, v bsonval.V) *builder {
	d.b = bsonval.AppendElement(d.b, key, v)
	return d
}

// str appends a string.
func (d *builder) str(key, s string) *builder {
	d.b = bsoncore.AppendStringElement(d.b, key, s)
	return d
}

// int appends an int32, or an int64 when it is larger.
func (d *builder) int(key string, n int64) *builder { return d.add(key, bsonval.IntV(n)) }

// bool appends a boolean.
func (d *builder) bool(key string, v bool) *builder {
	d.b = bsoncore.AppendBooleanElement(d.b, key, v)
	return d
}

// doc appends a document.
func (d *builder) doc(key string, doc []byte) *builder { return d.add(key, bsonval.DocV(doc)) }

// docs appends an array of documents.
func (d *builder) docs(key string, docs [][]byte) *builder {
	i, b := bsoncore.AppendArrayElementStart(d.b, key)
	for n, x := range docs {
		b = bsoncore.AppendDocumentElement(b, itoa(n), x)
	}
	d.b, _ = bsoncore.AppendArrayEnd(b, i)
	return d
}

// end finishes the document.
func (d *builder) end() []byte {
	b, _ := bsoncore.AppendDocumentEnd(d.b, d.i)
	return b
}

// ok finishes a successful reply.
func (d *builder) ok() []byte {
	d.b = bsoncore.AppendDoubleElement(d.b, "ok", 1)
	return d.end()
}
