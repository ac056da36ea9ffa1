package main

import (
	"fmt"
	"log"
	"sort"
	"strconv"
)

// side is one of the two servers of a comparison.
type side struct {
	addr string
	db   string
	pid  int
}

// result is what one measurement found.
type result struct {
	rate float64 // operations a second
	ops  float64 // operations in all
}

// load is one comparison: the same client command against both sides. A nil
// peer has none.
type load struct {
	name, unit, goal string
	run              func(s side) (result, error)
	peer             *side
}

// sample holds the results of one side.
type sample []float64

// sorted returns a sorted copy.
func (s sample) sorted() sample {
	c := append(sample(nil), s...)
	sort.Float64s(c)
	return c
}

// median returns the middle value.
func (s sample) median() float64 { return s.sorted().at(0.5) }

// at returns a quantile of a sorted sample.
func (s sample) at(q float64) float64 {
	if len(s) == 0 {
		return 0
	}
	return s[min(len(s)-1, int(q*float64(len(s))))]
}

// span prints minimum and maximum.
func (s sample) span() string {
	c := s.sorted()
	if len(c) == 0 {
		return "-"
	}
	return fmt.Sprintf("%s-%s", short(c[0]), short(c[len(c)-1]))
}

// short prints a rate with three digits.
func short(f float64) string {
	switch {
	case f >= 1e6:
		return strconv.FormatFloat(f/1e6, 'f', 2, 64) + "M"
	case f >= 1000:
		return strconv.FormatFloat(f/1000, 'f', 1, 64) + "k"
	case f >= 10:
		return strconv.FormatFloat(f, 'f', 0, 64)
	}
	return strconv.FormatFloat(f, 'f', 2, 64)
}

// measure runs a load on one side and returns its rate and CPU per operation.
func measure(l load, s side) (rate, cpu float64, err error) {
	before := cpuMicros(s.pid)
	r, err := l.run(s)
	if err != nil {
		return 0, 0, err
	}
	if r.ops <= 0 || r.rate <= 0 {
		return 0, 0, fmt.Errorf("no operation was measured")
	}
	return r.rate, (cpuMicros(s.pid) - before) / r.ops, nil
}

// compare alternates both sides, the first one changing, and returns a row.
func compare(b *bench, l load) (string, error) {
	var ours, peer, oursCPU, peerCPU sample
	for i := range *rounds {
		for step := range 2 {
			mine := step == i%2
			if !mine && l.peer == nil {
				continue
			}
			s := b.ours
			if !mine {
				s = *l.peer
			}
			rate, cpu, err := measure(l, s)
			if err != nil {
				return "", fmt.Errorf("%s: %w", s.addr, err)
			}
			if mine {
				ours, oursCPU = append(ours, rate), append(oursCPU, cpu)
			} else {
				peer, peerCPU = append(peer, rate), append(peerCPU, cpu)
			}
		}
	}
	if l.peer == nil {
		log.Printf("%-36s ours %s %s, %s µs/op", l.name, short(ours.median()), l.unit, short(oursCPU.median()))
		return fmt.Sprintf("| %s (%s) | %s (%s) | - | - | %s / - | %s |\n", l.name, l.unit,
			short(ours.median()), ours.span(), short(oursCPU.median()), l.goal), nil
	}
	log.Printf("%-36s ours %s, peer %s %s: %.2f; CPU %s / %s µs/op", l.name, short(ours.median()), short(peer.median()), l.unit,
		ours.median()/peer.median(), short(oursCPU.median()), short(peerCPU.median()))
	return fmt.Sprintf("| %s (%s) | %s (%s) | %s (%s) | %.2f | %s / %s | %s |\n", l.name, l.unit,
		short(ours.median()), ours.span(), short(peer.median()), peer.span(), ours.median()/peer.median(),
		short(oursCPU.median()), short(peerCPU.median()), l.goal), nil
}
