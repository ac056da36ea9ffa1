package mongo

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"github.com/dot-do/dotdo-proxy/backend/op/bsonval"
	"go.mongodb.org/mongo-driver/v2/x/bsonx/bsoncore"
)

// Fail points make chosen commands fail, block or lose their connection, so
// that drivers' own tests can run. The command exists only with the setting
// test_commands of this listener; otherwise it is unknown.
// https://github.com/mongodb/mongo/wiki/The-%22failCommand%22-fail-point

// errHangUp ends a connection without an answer.
var errHangUp = errors.New("connection closed by a fail point")

// failPoint is the one active failCommand.
type failPoint struct {
	left     int64 // times it still fires; < 0 always
	skip     int64
	commands []string
	appName  string
	code     int32
	labels   []bsonval.V
	labelled bool
	hangUp   bool
	stream   bool // errors of change streams get their label
	block    time.Duration
	concern  []byte // writeConcernError
}

// failPoints holds it.
type failPoints struct {
	mu     sync.Mutex
	active *failPoint
}

// cmdConfigureFailPoint serves configureFailPoint.
func cmdConfigureFailPoint(_ context.Context, r *request) ([]byte, error) {
	s := r.c.s
	if s.env.Settings["test_commands"] != "true" {
		return nil, errorf(commandNotFound, "no such command: '%s'", r.name)
	}
	name := bsonval.Text(r.first())
	if name != "failCommand" && name != "failGetMoreAfterCursorCheckout" {
		return nil, errorf(badValue, "fail point %s is not supported", name)
	}
	f := &failPoint{left: -1}
	if name == "failGetMoreAfterCursorCheckout" {
		f.commands, f.stream = []string{"getMore"}, true
	}
	switch mode := r.get("mode"); {
	case bsonval.Text(mode) == "off":
		f = nil
	case bsonval.Text(mode) == "alwaysOn":
	case mode.Type == bsonval.Document:
		if n, ok := bsonval.Int(bsonval.Get(mode.Data, "times")); ok {
			f.left = n
		}
		f.skip, _ = bsonval.Int(bsonval.Get(mode.Data, "skip"))
	default:
		return nil, errorf(badValue, "unknown mode of a fail point")
	}
	if f != nil {
		f.read(r.get("data").Data)
	}
	s.fails.mu.Lock()
	s.fails.active = f
	s.fails.mu.Unlock()
	return newReply().ok(), nil
}

// read decodes the data of a fail point.
func (f *failPoint) read(data []byte) {
	for it := bsonval.Elements(data); it.Next(); {
		v := it.Value
		switch it.Key() {
		case "failCommands":
			for _, c := range bsonval.Items(v) {
				f.commands = append(f.commands, bsonval.Text(c))
			}
		case "errorCode":
			n, _ := bsonval.Int(v)
			f.code = int32(n)
		case "errorLabels":
			f.labels, f.labelled = bsonval.Items(v), true
		case "closeConnection":
			f.hangUp = bsonval.Truthy(v)
		case "blockTimeMS":
			n, _ := bsonval.Int(v)
			f.block = time.Duration(n) * time.Millisecond
		case "writeConcernError":
			f.concern = v.Data
		case "appName":
			f.appName = bsonval.Text(v)
		}
	}
}

// hit returns the fail point if it fires for a command.
func (p *failPoints) hit(name, app string) *failPoint {
	p.mu.Lock()
	defer p.mu.Unlock()
	f := p.active
	if f == nil || name == "configureFailPoint" || (f.appName != "" && f.appName != app) || !slices.Contains(f.commands, name) {
		return nil
	}
	if f.skip > 0 {
		f.skip--
		return nil
	}
	if f.left == 0 {
		return nil
	}
	if f.left > 0 {
		f.left--
	}
	return f
}

// before applies a fail point before the command runs: an error, or nil to go
// on.
func (f *failPoint) before(ctx context.Context, r *request) error {
	if f.block > 0 {
		t := time.NewTimer(f.block)
		defer t.Stop()
		select {
		case <-t.C:
		case <-ctx.Done():
			return errorf(maxTimeExpired, "operation exceeded time limit")
		}
	}
	if f.hangUp {
		return errHangUp
	}
	if f.code == 0 {
		return nil
	}
	e := errorf(code{f.code, codeName(f.code)}, "Failing command via 'failCommand' failpoint")
	if f.stream && resumable[f.code] {
		e.labels = append(e.labels, "ResumableChangeStreamError")
	}
	if f.labelled {
		e.fixed = true
		for _, l := range f.labels {
			e.labels = append(e.labels, bsonval.Text(l))
		}
	}
	return e
}

// after adds the write concern error of a fail point to a reply.
func (f *failPoint) after(reply []byte) []byte {
	if f == nil || f.concern == nil {
		return reply
	}
	d := newReply()
	for it := bsonval.Elements(reply); it.Next(); {
		d.add(it.Key(), it.Value)
	}
	d.doc("writeConcernError", f.concern)
	if f.labelled {
		d.add("errorLabels", bsonval.ArrayV(f.labels))
	} else if n, _ := bsonval.Int(bsonval.Get(f.concern, "code")); retryableCodes[int32(n)] {
		d.add("errorLabels", bsonval.ArrayV([]bsonval.V{bsonval.StringV("RetryableWriteError")}))
	}
	return d.end()
}

// retryableCodes are the errors after which a driver may send a command again.
var retryableCodes = map[int32]bool{6: true, 7: true, 64: false, 89: true, 91: true, 134: true, 189: true, 262: true, 9001: true, 10107: true, 11600: true, 11602: true, 13435: true, 13436: true}

// codeNames are names of codes that fail points use and this server has no
// other use for.
var codeNames = map[int32]string{6: "HostUnreachable", 7: "HostNotFound", 8: "UnknownError", 11: "UserNotFound", 64: "WriteConcernFailed", 79: "UnknownReplWriteConcern", 89: "NetworkTimeout", 91: "ShutdownInProgress", 100: "UnsatisfiableWriteConcern",
	112: "WriteConflict", 133: "FailedToSatisfyReadPreference", 134: "ReadConcernMajorityNotAvailableYet", 136: "CappedPositionLost", 150: "StaleEpoch", 189: "PrimarySteppedDown", 237: "CursorKilled", 246: "SnapshotUnavailable", 262: "ExceededTimeLimit", 280: "ChangeStreamFatalError",
	391: "ReauthenticationRequired", 462: "IngressRequestRateLimitExceeded", 9001: "SocketException", 10107: "NotWritablePrimary", 11600: "InterruptedAtShutdown", 11601: "Interrupted", 11602: "InterruptedDueToReplStateChange", 13388: "StaleConfig", 13435: "NotPrimaryNoSecondaryOk", 13436: "NotPrimaryOrSecondary", 43: "CursorNotFound", 50: "MaxTimeMSExpired", 251: "NoSuchTransaction"}

// codeName names a code.
func codeName(n int32) string {
	if s := codeNames[n]; s != "" {
		return s
	}
	return "Location" + itoa(int(n))
}

// cmdKillAllSessions serves killAllSessions and killAllSessionsByPattern: all
// logical sessions end, with their transactions and cursors.
func cmdKillAllSessions(ctx context.Context, r *request) ([]byte, error) {
	r.c.s.endSessions(ctx, r.c.s.logical.all())
	return newReply().ok(), nil
}

// stamp makes a timestamp of an instant: seconds, and nanoseconds as the
// ordinal, so that timestamps of one clock never repeat.
func stamp(t time.Time) bsonval.V {
	return bsonval.V{Type: bsonval.Timestamp, Data: bsoncore.AppendTimestamp(nil, uint32(t.Unix()), uint32(t.Nanosecond())+1)}
}

// gossip appends the cluster time to a reply of a command with a session.
func (r *request) gossip(reply []byte) []byte {
	if r.opt.lsid == nil || len(reply) < 5 {
		return reply
	}
	now := stamp(time.Now())
	sign := newReply()
	sign.b = bsoncore.AppendBinaryElement(sign.b, "hash", 0, make([]byte, 20))
	time := newReply().add("clusterTime", now).doc("signature", sign.add("keyId", bsonval.Int64V(0)).end()).end()
	d := &builder{b: reply[:len(reply)-1]}
	if bsonval.Get(reply, "operationTime").Type == 0 {
		d.add("operationTime", now)
	}
	return d.doc("$clusterTime", time).end()
}
