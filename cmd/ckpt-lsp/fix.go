package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/ckpt-lsp/ckpt-lsp/internal/files"
	"github.com/ckpt-lsp/ckpt-lsp/internal/project"
)

// save puts fixed texts into their files: those that a fix changes together are written together or not at all, which is given up
// where one cannot be written. Between them it stops when the context ends. It gives the files that were written, and what of them could
// not be kept.
func save(ctx context.Context, fixed []project.Fixed) (written []string, lost []project.Problem) {
	var groups [][]int
	seen := make([]bool, len(fixed))
	for i := range fixed {
		if !seen[i] && fixed[i].Changed() {
			groups = append(groups, partners(fixed, i, seen, nil))
		}
	}
	type outcome struct {
		names []string
		lost  []project.Problem
	}
	for _, o := range project.Map(groups, func(together []int) (o outcome) {
		if ctx.Err() != nil {
			return o
		}
		lost, err := replace(fixed, together)
		if err != nil {
			failed := 0
			if f := (*files.Failure)(nil); errors.As(err, &f) {
				failed = f.Index
			}
			project.Undo(fixed, together[failed], fmt.Errorf("cannot be written: %w", err))
			return o
		}
		for k, i := range together {
			name := displayPath(fixed[i].Before.Path)
			o.names = append(o.names, name)
			o.lost = append(o.lost, notKept(name, lost[k])...)
		}
		return o
	}) {
		written, lost = append(written, o.names...), append(lost, o.lost...)
	}
	return written, lost
}

// notKept tells what of a file that was written could not be kept.
func notKept(name string, lost []string) (out []project.Problem) {
	for _, what := range lost {
		out = append(out, project.Problem{Path: name, Message: "the file was written as a new one: " + what})
	}
	return out
}

// replace puts the new texts of files that were changed together into their places, if they still hold what was read.
func replace(fixed []project.Fixed, together []int) (lost [][]string, err error) {
	changes := make([]files.Change, len(together))
	for k, i := range together {
		c := files.Change{Path: fixed[i].Before.Path}
		if c.Was, err = fixed[i].Before.Source.Encode(); err == nil {
			c.Text, err = fixed[i].After.Source.Encode()
		}
		if err != nil {
			return nil, &files.Failure{Index: k, Err: err}
		}
		changes[k] = c
	}
	return files.Replace(changes...)
}

// partners adds a file to a group, and all that fixes changed together with it.
func partners(fixed []project.Fixed, i int, seen []bool, group []int) []int {
	if seen[i] {
		return group
	}
	seen[i] = true
	if fixed[i].Changed() {
		group = append(group, i)
	}
	for _, k := range fixed[i].Partners {
		group = partners(fixed, k, seen, group)
	}
	return group
}
