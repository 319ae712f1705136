package project

import (
	"runtime"
	"sync"
	"sync/atomic"
)

// Map calls f for every item on all processors and gives the results in the order of the items.
func Map[I, T any](items []I, f func(I) T) []T {
	out := make([]T, len(items))
	var next atomic.Int64
	var wg sync.WaitGroup
	for range min(runtime.GOMAXPROCS(0), len(items)) {
		wg.Go(func() {
			for {
				i := int(next.Add(1)) - 1
				if i >= len(items) {
					return
				}
				out[i] = f(items[i])
			}
		})
	}
	wg.Wait()
	return out
}
