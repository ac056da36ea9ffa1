package host

import (
	"sync"
	"sync/atomic"

	"github.com/prometheus/client_golang/prometheus"
)

// counters are the numbers of one system.
type counters struct {
	accepted, active, refused, failed, panics atomic.Int64
}

// metrics collects the counters of all systems when a scrape asks.
type metrics struct {
	mu       sync.Mutex
	systems  map[string]*counters
	accepted *prometheus.Desc
	active   *prometheus.Desc
	refused  *prometheus.Desc
	failed   *prometheus.Desc
	panics   *prometheus.Desc
}

// newMetrics describes the metrics; they have one label, the system.
func newMetrics() *metrics {
	desc := func(name, help string) *prometheus.Desc {
		return prometheus.NewDesc("dotdo_"+name, help, []string{"system"}, nil)
	}
	return &metrics{
		systems:  map[string]*counters{},
		accepted: desc("connections_accepted_total", "Connections accepted."),
		active:   desc("connections_active", "Connections open now."),
		refused:  desc("connections_refused_total", "Connections closed at once because the limit was reached."),
		failed:   desc("connections_failed_total", "Connections that ended with an error other than a disconnect."),
		panics:   desc("connection_panics_total", "Connections ended by a recovered panic."),
	}
}

// of returns the counters of a system.
func (m *metrics) of(system string) *counters {
	m.mu.Lock()
	defer m.mu.Unlock()
	c := m.systems[system]
	if c == nil {
		c = &counters{}
		m.systems[system] = c
	}
	return c
}

// Describe implements prometheus.Collector.
func (m *metrics) Describe(ch chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{m.accepted, m.active, m.refused, m.failed, m.panics} {
		ch <- d
	}
}

// Collect implements prometheus.Collector.
func (m *metrics) Collect(ch chan<- prometheus.Metric) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for name, c := range m.systems {
		send := func(d *prometheus.Desc, t prometheus.ValueType, v *atomic.Int64) {
			ch <- prometheus.MustNewConstMetric(d, t, float64(v.Load()), name)
		}
		send(m.accepted, prometheus.CounterValue, &c.accepted)
		send(m.active, prometheus.GaugeValue, &c.active)
		send(m.refused, prometheus.CounterValue, &c.refused)
		send(m.failed, prometheus.CounterValue, &c.failed)
		send(m.panics, prometheus.CounterValue, &c.panics)
	}
}
