package rel

// NewWhole returns an engine that never lifts literals.
func NewWhole() *Engine {
	e := New()
	e.whole = true
	return e
}
