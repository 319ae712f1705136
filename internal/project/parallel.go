package project

import (
	"runtime"
	"sync"
	"sync/atomic"
)

// Map calls f for every path on all processors and gives the results in the order of the paths.
func Map[T any](paths []string, f func(path string) T) []T {
	out := make([]T, len(paths))
	var next atomic.Int64
	var wg sync.WaitGroup
	for range min(runtime.GOMAXPROCS(0), len(paths)) {
		wg.Go(func() {
			for {
				i := int(next.Add(1)) - 1
				if i >= len(paths) {
					return
				}
				out[i] = f(paths[i])
			}
		})
	}
	wg.Wait()
	return out
}
