package redis

import (
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"os"
	"runtime"
	"strings"
	"time"

	"github.com/dot-do/dotdo-proxy/backend/op/kv"
)

// runID makes the identity of this run.
func runID() string {
	var b [20]byte
	_, _ = rand.Read(b[:]) // never fails
	return hex.EncodeToString(b[:])
}

// sections of INFO in their order.
var sections = []struct {
	name  string
	write func(c *conn, b *strings.Builder)
}{
	{"Server", infoServer},
	{"Clients", infoClients},
	{"Memory", infoMemory},
	{"Persistence", infoPersistence},
	{"Stats", infoStats},
	{"Replication", infoReplication},
	{"CPU", infoCPU},
	{"Cluster", func(_ *conn, b *strings.Builder) { b.WriteString("cluster_enabled:0\r\n") }},
	{"Keyspace", infoKeyspace},
}

// info implements INFO.
func info(c *conn, args [][]byte) {
	all := len(args) == 0
	want := map[string]bool{}
	for _, a := range args {
		switch s := strings.ToLower(string(a)); s {
		case "all", "default", "everything":
			all = true
		default:
			want[s] = true
		}
	}
	var b strings.Builder
	for _, s := range sections {
		if !all && !want[strings.ToLower(s.name)] {
			continue
		}
		if b.Len() > 0 {
			b.WriteString("\r\n")
		}
		b.WriteString("# " + s.name + "\r\n")
		s.write(c, &b)
	}
	c.w.verbatim(b.String())
}

// infoServer writes the Server section of INFO.
func infoServer(c *conn, b *strings.Builder) {
	up := time.Since(c.srv.started)
	fmt.Fprintf(b, "redis_version:%s\r\nredis_mode:standalone\r\ndotdo_version:%s\r\nos:%s %s\r\narch_bits:64\r\n", compatible, c.srv.env.Version, runtime.GOOS, runtime.GOARCH)
	_, port, _ := strings.Cut(c.net.LocalAddr().String(), ":")
	fmt.Fprintf(b, "process_id:%d\r\nrun_id:%s\r\ntcp_port:%s\r\nserver_time_usec:%d\r\nuptime_in_seconds:%d\r\nuptime_in_days:%d\r\n",
		os.Getpid(), c.srv.run, port, time.Now().UnixMicro(), int(up.Seconds()), int(up.Hours()/24))
}

// infoClients writes the Clients section of INFO.
func infoClients(c *conn, b *strings.Builder) {
	blocked, subs := 0, 0
	list := c.srv.all()
	for _, o := range list {
		if o.blocked.Load() != nil {
			blocked++
		}
		if o.kind() == "pubsub" {
			subs++
		}
	}
	fmt.Fprintf(b, "connected_clients:%d\r\nblocked_clients:%d\r\npubsub_clients:%d\r\n", len(list), blocked, subs)
}

// infoMemory writes the Memory section of INFO: figures of the whole process.
func infoMemory(_ *conn, b *strings.Builder) {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	fmt.Fprintf(b, "used_memory:%d\r\nused_memory_human:%.2fM\r\n", m.HeapAlloc, float64(m.HeapAlloc)/(1<<20))
	if rss := resident(); rss > 0 {
		fmt.Fprintf(b, "used_memory_rss:%d\r\nused_memory_rss_human:%.2fM\r\n", rss, float64(rss)/(1<<20))
	}
	b.WriteString("maxmemory:0\r\nmaxmemory_human:0B\r\nmaxmemory_policy:noeviction\r\nmem_allocator:go\r\n")
}

// infoPersistence writes the Persistence section of INFO: a connection is only
// served when its data can be.
func infoPersistence(_ *conn, b *strings.Builder) { b.WriteString("loading:0\r\n") }

// infoStats writes the Stats section of INFO.
func infoStats(c *conn, b *strings.Builder) {
	fmt.Fprintf(b, "total_connections_received:%d\r\ntotal_commands_processed:%d\r\n", c.srv.accepted.Load(), c.srv.commands.Load())
	vs, err := c.values(c.ctx, &kv.Stats{})
	if n := 3 * databases; err == nil && len(vs) >= n+3 {
		fmt.Fprintf(b, "expired_keys:%d\r\nkeyspace_hits:%d\r\nkeyspace_misses:%d\r\n", vs[n+2].Int(), vs[n].Int(), vs[n+1].Int())
	}
}

// infoReplication writes the Replication section of INFO.
func infoReplication(_ *conn, b *strings.Builder) {
	b.WriteString("role:master\r\nconnected_slaves:0\r\n")
}

// infoCPU writes the CPU section of INFO.
func infoCPU(_ *conn, b *strings.Builder) {
	user, system := cpuTime()
	fmt.Fprintf(b, "used_cpu_sys:%.6f\r\nused_cpu_user:%.6f\r\n", system.Seconds(), user.Seconds())
}

// infoKeyspace writes the Keyspace section of INFO.
func infoKeyspace(c *conn, b *strings.Builder) {
	vs, err := c.values(c.ctx, &kv.Stats{})
	if err != nil {
		b.WriteString("# " + errorText(err) + "\r\n")
		return
	}
	for db := 0; db < databases && 3*db+2 < len(vs); db++ {
		keys, expires, left := vs[3*db].Int(), vs[3*db+1].Int(), vs[3*db+2].Int()
		if keys > 0 {
			fmt.Fprintf(b, "db%d:keys=%d,expires=%d,avg_ttl=%d\r\n", db, keys, expires, left/max(expires, 1))
		}
	}
}
