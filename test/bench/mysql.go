package main

import (
	"fmt"
	"net"
	"path/filepath"
	"strconv"

	"github.com/go-mysql-org/go-mysql/client"
)

// startMySQL starts a MariaDB with default settings and returns sysbench loads.
func startMySQL(b *bench) ([]load, func(), error) {
	sysbench, err := tool("sysbench", "sysbench")
	if err != nil {
		return nil, nil, err
	}
	peer, stop, err := mariadbServer(b)
	if err != nil {
		return nil, nil, err
	}
	b.vers = append(b.vers, version(sysbench, "--version"))
	args := func(s side, more ...string) []string {
		host, port, _ := net.SplitHostPort(s.addr)
		return append([]string{"--db-driver=mysql", "--mysql-host=" + host, "--mysql-port=" + port, "--mysql-user=root",
			"--mysql-db=sbtest", "--tables=1", "--table-size=100000"}, more...)
	}
	for _, s := range []side{b.ours, peer} {
		if err := prepareSysbench(sysbench, s, args(s, "oltp_read_write", "prepare")); err != nil {
			stop()
			return nil, nil, err
		}
	}
	goals := map[string]string{"oltp_point_select": "1.1", "oltp_write_only": "0.9", "oltp_update_non_index": "1.0"}
	var loads []load
	for _, script := range []string{"oltp_point_select", "oltp_read_only", "oltp_write_only", "oltp_update_non_index"} {
		for _, mode := range []string{"prepared", "text"} {
			ps := map[string]string{"prepared": "auto", "text": "disable"}[mode]
			for _, c := range []string{"1", "16"} {
				goal := ""
				if c == "16" {
					goal = goals[script]
				}
				loads = append(loads, load{name: script + " " + mode + " c=" + c, unit: "tx/s", goal: goal, peer: &peer,
					run: func(s side) (result, error) {
						return runSysbench(sysbench, args(s, "--threads="+c, "--time="+strconv.Itoa(*seconds), "--db-ps-mode="+ps, script, "run"))
					}})
			}
		}
	}
	return loads, stop, nil
}

// prepareSysbench makes the database and its table.
func prepareSysbench(program string, s side, args []string) error {
	c, err := client.Connect(s.addr, "root", "", "")
	if err != nil {
		return err
	}
	_, err = c.Execute("CREATE DATABASE IF NOT EXISTS sbtest")
	_ = c.Close()
	if err != nil {
		return err
	}
	_, err = output(program, args...)
	return err
}

// runSysbench runs it and reads its figures. Errors end it with a failure;
// deadlocks that it retried are part of the load on both sides.
func runSysbench(program string, args []string) (result, error) {
	out, err := output(program, args...)
	if err != nil {
		return result{}, err
	}
	rate, err := number(out, `transactions:\s+\d+\s+\(([0-9.]+) per sec`)
	if err != nil {
		return result{}, err
	}
	ops, err := number(out, `transactions:\s+(\d+)`)
	return result{rate, ops}, err
}

// mariadbServer makes and starts a MariaDB and checks that it is durable.
func mariadbServer(b *bench) (s side, stop func(), err error) {
	install, err := tool("mariadb-install-db", "mariadb-server")
	if err != nil {
		return s, nil, err
	}
	server, err := tool("mariadbd", "mariadb-server")
	if err != nil {
		return s, nil, err
	}
	addr, port, err := freeAddr()
	if err != nil {
		return s, nil, err
	}
	dir := filepath.Join(b.root, "mariadb")
	if _, err := output(install, "--no-defaults", "--user=root", "--auth-root-authentication-method=normal", "--skip-test-db", "--datadir="+dir); err != nil {
		return s, nil, err
	}
	pid, stop, err := serve(addr, server, "--no-defaults", "--user=root", "--datadir="+dir, "--bind-address=127.0.0.1", "--port="+port,
		"--socket="+filepath.Join(dir, "s"), "--pid-file="+filepath.Join(dir, "pid"))
	if err != nil {
		return s, nil, err
	}
	b.vers = append(b.vers, version(server, "--version"))
	c, err := client.Connect(addr, "root", "", "")
	if err != nil {
		stop()
		return s, nil, err
	}
	defer c.Close()
	r, err := c.Execute("SELECT @@innodb_flush_log_at_trx_commit")
	if err == nil {
		var v int64
		if v, err = r.GetInt(0, 0); err == nil && v != 1 {
			err = fmt.Errorf("durability differs: the peer has innodb_flush_log_at_trx_commit = %d", v)
		}
	}
	if err != nil {
		stop()
		return s, nil, err
	}
	return side{addr: addr, pid: pid}, stop, nil
}
