package kv

import "testing"

// TestFieldExpiry checks lifetimes of hash fields under a clock that is moved.
func TestFieldExpiry(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	check := func(list ...string) {
		t.Helper()
		for i := 0; i < len(list); i += 2 {
			if got := b.run(list[i]); got != list[i+1] {
				t.Errorf("%s = %s, want %s", list[i], got, list[i+1])
			}
		}
	}
	check("HSET h a 1 b 2 c 3", "3", "HEXPIRE h 10 FIELDS 2 a none", "[1 -2]", "HPEXPIRE h 5000 NX FIELDS 2 a b", "[0 1]", "HEXPIRE h 20 GT FIELDS 3 a b c", "[1 1 0]",
		"HEXPIRE h 5 LT FIELDS 1 b", "[1]", "HEXPIRE h 5 XX FIELDS 1 c", "[0]", "HTTL h FIELDS 4 a b c none", "[20 5 -1 -2]", "HTTL none FIELDS 1 a", "[-2]", "HLEN h", "3", "HGET h b", "2")
	b.clock.Add(6000)
	check("HGET h b", "nil", "HLEN h", "2", "HEXISTS h b", "0", "HGETALL h", "[a 1 c 3]", "HINCRBY h a 4", "5", "HTTL h FIELDS 1 a", "[14]", "HSET h a 1", "0", "HTTL h FIELDS 1 a", "[-1]")
	check("HEXPIRE h 10 FIELDS 2 a c", "[1 1]", "HPERSIST h FIELDS 3 a c x", "[1 1 -2]", "HPERSIST h FIELDS 1 a", "[-1]", "HEXPIRE h 10 FIELDS 1 a", "[1]", "COPY h g", "1", "HEXPIRE h 0 FIELDS 1 c", "[2]", "HLEN h", "1")
	b.clock.Add(11_000)
	check("EXISTS h", "0", "TYPE h", "none", "HGETALL g", "[c 3]", "HSET h x 1", "1", "HTTL h FIELDS 1 x", "[-1]")
	for _, bad := range []string{"HEXPIRE h 10 1 a", "HEXPIRE h 10 FIELDS 2 a", "HEXPIRE h 10 FIELDS 0 a", "HEXPIRE h -1 FIELDS 1 a", "HEXPIRE h x FIELDS 1 a", "HTTL h a FIELDS 1"} {
		if got := b.run(bad); len(got) < 5 || got[:5] != "error" && got[:3] != "ERR" {
			t.Errorf("%s = %s, want an error", bad, got)
		}
	}
}
