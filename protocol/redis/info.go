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
	{"Modules", func(*conn, *strings.Builder) {}},
	{"Errorstats", func(*conn, *strings.Builder) {}},
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
	fmt.Fprintf(b, "process_id:%d\r\nrun_id:%s\r\ntcp_port:%s\r\nserver_time_usec:%d\r\nuptime_in_seconds:%d\r\nuptime_in_days:%d\r\nhz:10\r\n",
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
	fmt.Fprintf(b, "connected_clients:%d\r\ncluster_connections:0\r\nmaxclients:10000\r\nblocked_clients:%d\r\ntracking_clients:0\r\npubsub_clients:%d\r\n", len(list), blocked, subs)
}

// infoMemory writes the Memory section of INFO.
func infoMemory(_ *conn, b *strings.Builder) {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	fmt.Fprintf(b, "used_memory:%d\r\nused_memory_human:%.2fM\r\nused_memory_rss:%d\r\nmaxmemory:0\r\nmaxmemory_human:0B\r\nmaxmemory_policy:noeviction\r\nmem_fragmentation_ratio:1.00\r\nmem_allocator:go\r\n",
		m.HeapAlloc, float64(m.HeapAlloc)/(1<<20), m.Sys)
}

// infoPersistence writes the Persistence section of INFO.
func infoPersistence(_ *conn, b *strings.Builder) {
	b.WriteString("loading:0\r\nasync_loading:0\r\nrdb_changes_since_last_save:0\r\nrdb_bgsave_in_progress:0\r\nrdb_last_bgsave_status:ok\r\naof_enabled:1\r\naof_rewrite_in_progress:0\r\naof_last_write_status:ok\r\n")
}

// infoStats writes the Stats section of INFO.
func infoStats(c *conn, b *strings.Builder) {
	fmt.Fprintf(b, "total_connections_received:%d\r\ntotal_commands_processed:%d\r\nrejected_connections:0\r\nexpired_keys:0\r\nevicted_keys:0\r\nkeyspace_hits:0\r\nkeyspace_misses:0\r\n", c.srv.accepted.Load(), c.srv.commands.Load())
}

// infoReplication writes the Replication section of INFO.
func infoReplication(c *conn, b *strings.Builder) {
	fmt.Fprintf(b, "role:master\r\nconnected_slaves:0\r\nmaster_failover_state:no-failover\r\nmaster_replid:%s\r\nmaster_repl_offset:0\r\nrepl_backlog_active:0\r\n", c.srv.run)
}

// infoCPU writes the CPU section of INFO.
func infoCPU(_ *conn, b *strings.Builder) {
	user, system := cpuTime()
	fmt.Fprintf(b, "used_cpu_sys:%.6f\r\nused_cpu_user:%.6f\r\n", system.Seconds(), user.Seconds())
}

// infoKeyspace writes the Keyspace section of INFO.
func infoKeyspace(c *conn, b *strings.Builder) {
	for db := range databases {
		v, err := c.value(&kv.Command{DB: db, Verb: "DBSIZE"})
		if err != nil {
			b.WriteString("# " + errorText(err) + "\r\n")
			return
		}
		if v.Int() > 0 {
			fmt.Fprintf(b, "db%d:keys=%d,expires=0,avg_ttl=0\r\n", db, v.Int())
		}
	}
}
