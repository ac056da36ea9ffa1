package redis

import (
	"fmt"
	"strings"
	"testing"
)

// TestSlowCommand checks how commands stand in the slow log.
func TestSlowCommand(t *testing.T) {
	t.Parallel()
	var many [][]byte
	for i := range 40 {
		many = append(many, fmt.Append(nil, i))
	}
	got := slowCommand("DEL", many, 0)
	if len(got) != slowArgs || got[slowArgs-1] != "... (10 more arguments)" || got[30] != "29" {
		t.Errorf("many arguments: %q", got)
	}
	got = slowCommand("SET", [][]byte{[]byte("k"), []byte(strings.Repeat("x", 130))}, 3)
	if want := strings.Repeat("x", 128) + "... (2 more bytes)"; len(got) != 4 || got[2] != want || got[3] != "... (3 more commands of the pipeline)" {
		t.Errorf("long argument: %q", got)
	}
}

// TestSpikes checks that a second has one sample and that samples are bounded.
func TestSpikes(t *testing.T) {
	t.Parallel()
	var l slowLog
	l.reset()
	for i := range int64(latencySamples + 20) {
		l.spike("command", i/2*2, i)
	}
	list := l.spikes["command"]
	if len(list) != (latencySamples+20)/2 || list[0] != (sample{0, 1}) || l.worst["command"] != latencySamples+19 {
		t.Errorf("%d samples, first %v, worst %d", len(list), list[0], l.worst["command"])
	}
	for i := range int64(2 * latencySamples) {
		l.spike("command", 1000+i, 1)
	}
	if len(l.spikes["command"]) != latencySamples {
		t.Errorf("%d samples are kept", len(l.spikes["command"]))
	}
}
