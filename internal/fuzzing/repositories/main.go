// Command repositories writes generated repositories into a directory: a corpus for internal/ruler where none can be fetched.
package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"

	"github.com/ckpt-lsp/ckpt-lsp/internal/fuzzing"
)

func main() {
	if len(os.Args) != 4 {
		fmt.Fprintln(os.Stderr, "usage: repositories DIRECTORY COUNT FIRST-SEED")
		os.Exit(2)
	}
	count, err := strconv.ParseUint(os.Args[2], 10, 64)
	first, err2 := strconv.ParseUint(os.Args[3], 10, 64)
	if err != nil || err2 != nil {
		fmt.Fprintln(os.Stderr, "the count and the seed are numbers")
		os.Exit(2)
	}
	for seed := first; seed < first+count; seed++ {
		if err := write(filepath.Join(os.Args[1], fmt.Sprintf("generated-%d", seed)), seed); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
	}
}

// projects is how many programs a repository has.
const projects = 5

func write(dir string, seed uint64) error {
	for i := range uint64(projects) {
		below := filepath.Join(dir, fmt.Sprintf("project%d", i))
		if err := os.MkdirAll(below, 0o755); err != nil {
			return err
		}
		for name, text := range fuzzing.Program(fuzzing.Bytes(seed*projects+i, 400)) {
			if err := os.WriteFile(filepath.Join(below, name), []byte(text), 0o644); err != nil {
				return err
			}
		}
	}
	return nil
}
