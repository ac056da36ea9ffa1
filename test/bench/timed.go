package main

import (
	"sync"
	"time"
)

// timedFor runs work again and again on some goroutines until a time is over
// and returns the rate. The first error ends it.
func timedFor(d time.Duration, clients int, work func(client int) (int, error)) (result, error) {
	var group sync.WaitGroup
	var mu sync.Mutex
	var failed error
	total, start := 0, time.Now()
	for c := range clients {
		group.Go(func() {
			done := 0
			var err error
			for err == nil && time.Since(start) < d {
				var n int
				n, err = work(c)
				done += n
			}
			mu.Lock()
			defer mu.Unlock()
			total += done
			if failed == nil {
				failed = err
			}
		})
	}
	group.Wait()
	return result{float64(total) / time.Since(start).Seconds(), float64(total)}, failed
}
