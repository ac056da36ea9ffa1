package redis

import (
	"sort"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// SLOWLOG and LATENCY. The time of a command is that of its operation, waiting
// for durability included. Commands of one pipeline that ran as one operation
// are one entry, under the first of them, and it says how many more there were.

// Bounds of an entry of the slow log.
const (
	slowArgs = 32
	slowArg  = 128
)

// slowEntry is one entry of the slow log.
type slowEntry struct {
	id   int64
	at   time.Time
	took time.Duration
	args []string
	addr string
	name string
}

// latencySamples is how many samples an event keeps.
const latencySamples = 160

// sample is one latency spike: the worst of its second.
type sample struct {
	at int64 // seconds since 1970
	ms int64
}

// slowLog notes slow commands.
type slowLog struct {
	over    atomic.Int64 // slowlog-log-slower-than, microseconds; negative = off
	keep    atomic.Int64 // slowlog-max-len
	monitor atomic.Int64 // latency-monitor-threshold, milliseconds; 0 = off

	mu     sync.Mutex
	next   int64
	list   []slowEntry // newest last
	spikes map[string][]sample
	worst  map[string]int64
}

// reset sets the settings of a new server.
func (l *slowLog) reset() {
	l.over.Store(10_000)
	l.keep.Store(128)
	l.spikes, l.worst = map[string][]sample{}, map[string]int64{}
}

// start is the time a command begins, zero when nobody wants to know.
func (l *slowLog) start() time.Time {
	if l.over.Load() < 0 && l.monitor.Load() == 0 {
		return time.Time{}
	}
	return time.Now()
}

// end notes a command that began at start; more is how many others ran with it.
func (l *slowLog) end(c *conn, start time.Time, name string, args [][]byte, more int) {
	if start.IsZero() {
		return
	}
	took := time.Since(start)
	over, monitor := l.over.Load(), l.monitor.Load()
	if monitor > 0 && took.Milliseconds() >= monitor {
		l.spike("command", start.Add(took).Unix(), took.Milliseconds())
	}
	if over < 0 || took.Microseconds() < over || l.keep.Load() == 0 {
		return
	}
	e := slowEntry{at: start, took: took, args: slowCommand(name, args, more), addr: c.net.RemoteAddr().String()}
	c.info.Lock()
	e.name = c.info.name
	c.info.Unlock()
	l.mu.Lock()
	defer l.mu.Unlock()
	e.id = l.next
	l.next++
	l.list = append(l.list, e)
	l.trim()
}

// slowCommand is how a command stands in the log.
func slowCommand(name string, args [][]byte, more int) []string {
	list := []string{name}
	for i, a := range args {
		if i == slowArgs-2 && len(args) > slowArgs-1 {
			list = append(list, "... ("+strconv.Itoa(len(args)-i)+" more arguments)")
			break
		}
		if len(a) > slowArg {
			list = append(list, string(a[:slowArg])+"... ("+strconv.Itoa(len(a)-slowArg)+" more bytes)")
			continue
		}
		list = append(list, string(a))
	}
	if more > 0 {
		list = append(list, "... ("+strconv.Itoa(more)+" more commands of the pipeline)")
	}
	return list
}

// trim drops the oldest entries. The caller holds mu.
func (l *slowLog) trim() {
	if n := len(l.list) - int(l.keep.Load()); n > 0 {
		l.list = append(l.list[:0:0], l.list[n:]...)
	}
}

// spike notes a latency of an event; a second has one sample, its worst.
func (l *slowLog) spike(event string, at, ms int64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.worst[event] = max(l.worst[event], ms)
	list := l.spikes[event]
	if n := len(list); n > 0 && list[n-1].at == at {
		list[n-1].ms = max(list[n-1].ms, ms)
		return
	}
	list = append(list, sample{at, ms})
	l.spikes[event] = list[max(len(list)-latencySamples, 0):]
}

// slowlog implements SLOWLOG.
func slowlog(c *conn, args [][]byte) {
	l := &c.srv.slow
	l.mu.Lock()
	defer l.mu.Unlock()
	switch {
	case is(args[0], "GET") && len(args) <= 2:
		n := 10
		if len(args) == 2 {
			var good bool
			if n, good = atoi(args[1]); !good || n < -1 {
				c.w.error("ERR count should be greater than or equal to -1")
				return
			}
		}
		if n < 0 || n > len(l.list) {
			n = len(l.list)
		}
		c.w.array(n)
		for i := range n {
			e := &l.list[len(l.list)-1-i]
			c.w.array(6)
			c.w.int(e.id)
			c.w.int(e.at.Unix())
			c.w.int(e.took.Microseconds())
			c.w.array(len(e.args))
			for _, a := range e.args {
				c.w.text(a)
			}
			c.w.text(e.addr)
			c.w.text(e.name)
		}
	case is(args[0], "LEN") && len(args) == 1:
		c.w.int(int64(len(l.list)))
	case is(args[0], "RESET") && len(args) == 1:
		l.list = nil
		c.w.status("OK")
	default:
		c.badSub("SLOWLOG", args, "GET", "LEN", "RESET")
	}
}

// latency implements LATENCY: LATEST, HISTORY, RESET.
func latency(c *conn, args [][]byte) {
	l := &c.srv.slow
	l.mu.Lock()
	defer l.mu.Unlock()
	switch {
	case is(args[0], "LATEST") && len(args) == 1:
		var names []string
		for n := range l.spikes {
			names = append(names, n)
		}
		sort.Strings(names)
		c.w.array(len(names))
		for _, n := range names {
			last := l.spikes[n][len(l.spikes[n])-1]
			c.w.array(4)
			c.w.text(n)
			c.w.int(last.at)
			c.w.int(last.ms)
			c.w.int(l.worst[n])
		}
	case is(args[0], "HISTORY") && len(args) == 2:
		list := l.spikes[string(args[1])]
		c.w.array(len(list))
		for _, s := range list {
			c.w.array(2)
			c.w.int(s.at)
			c.w.int(s.ms)
		}
	case is(args[0], "RESET"):
		n := int64(0)
		for name := range l.spikes {
			if len(args) > 1 && !contains(args[1:], name) {
				continue
			}
			delete(l.spikes, name)
			delete(l.worst, name)
			n++
		}
		c.w.int(n)
	case is(args[0], "DOCTOR"), is(args[0], "GRAPH"), is(args[0], "HISTOGRAM"):
		c.w.error("ERR 'latency " + strings.ToLower(string(args[0])) + "' is not supported")
	default:
		c.badSub("LATENCY", args, "LATEST", "HISTORY", "RESET")
	}
}

// contains reports whether an argument is name.
func contains(args [][]byte, name string) bool {
	for _, a := range args {
		if string(a) == name {
			return true
		}
	}
	return false
}
