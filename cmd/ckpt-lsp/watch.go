package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/fsnotify/fsnotify"
	"golang.org/x/term"

	"github.com/ckpt-lsp/ckpt-lsp/internal/project"
)

const (
	// watchPause is how long nothing may change before files are checked again: editors write a file in several steps.
	watchPause = 50 * time.Millisecond
	// watchMost is how long changes are waited out.
	watchMost = time.Second
)

// clearScreen takes a terminal's text away, with what has scrolled out.
const clearScreen = "\x1b[2J\x1b[3J\x1b[H"

// watch checks what the arguments name, and again whenever a file of it or the configuration changes, until it is interrupted.
func (c *checker) watch(ctx context.Context, args []string) error {
	if c.outputFile != "" {
		return errors.New("--watch cannot be used with --output-file")
	}
	ctx, stop := interruptible(ctx)
	defer stop()
	return c.follow(ctx, args)
}

// follow is watch until the context ends.
func (c *checker) follow(ctx context.Context, args []string) error {
	watcher, err := fsnotify.NewWatcher()
	if err != nil {
		return fmt.Errorf("--watch: %w", err)
	}
	defer watcher.Close()
	p, index := project.NewProgram(c.workspace), project.NewIndex(c.workspace)
	for {
		within, above := c.workspace.Directories(ctx, args)
		for _, dir := range slices.Concat(within, above) { // before the files are read, so that no change is missed; what is watched already stays so
			if err := watcher.Add(dir); err != nil && !errors.Is(err, fs.ErrNotExist) {
				return fmt.Errorf("--watch: %s: %w", displayPath(dir), err)
			}
		}
		round := *c
		if file, ok := raw(c.out).(*os.File); ok && term.IsTerminal(int(file.Fd())) {
			_, _ = io.WriteString(file, clearScreen)
		}
		err := round.once(ctx, index, p, args)
		var early interrupted
		switch {
		case ctx.Err() != nil && errors.As(err, &early) && early.fixing:
			return err // what was written
		case ctx.Err() != nil:
			return nil
		case err != nil && !errors.Is(err, errFindings) && !errors.Is(err, errReported):
			fmt.Fprintln(c.err, "ckpt-lsp:", err) // a mistake in the configuration is mended while it is watched
		}
		if !c.quiet {
			fmt.Fprintln(c.err, "Watching for changes; Ctrl-C ends.")
		}
		changed := c.change(ctx, watcher, within)
		if changed == nil {
			return nil
		}
		if !c.quiet {
			fmt.Fprintf(c.err, "Changed: %s\n", strings.Join(changed, ", "))
		}
		p = p.Reread(p.Changed()...)
		if c.workspace.Reload() || c.fix || c.reason != "" {
			index = project.NewIndex(c.workspace)
		}
		files, _, _ := c.workspace.Files(ctx, args)
		index.Keep(files)
	}
}

// change waits for files to change, and then until nothing did for a moment, or changes do not end. It gives what changed, nil when the
// context ends. New directories count in those given.
func (c *checker) change(ctx context.Context, watcher *fsnotify.Watcher, within []string) (changed []string) {
	var pause, latest <-chan time.Time
	more := func(what string) {
		if changed == nil {
			latest = time.After(watchMost)
		}
		changed, pause = append(changed, what), time.After(watchPause)
	}
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-pause:
			return distinct(changed)
		case <-latest:
			return distinct(changed)
		case e, ok := <-watcher.Events:
			if !ok {
				return nil
			}
			if c.matters(e, within) {
				more(displayPath(e.Name))
			}
		case err, ok := <-watcher.Errors: // too many changes at once: look at everything
			if !ok {
				return nil
			}
			more(err.Error())
		}
	}
}

func distinct(names []string) []string {
	slices.Sort(names)
	return slices.Compact(names)
}

// matters reports whether an event may change what is found.
func (c *checker) matters(e fsnotify.Event, within []string) bool {
	if e.Op == fsnotify.Chmod {
		return false
	}
	if info, err := os.Stat(e.Name); err == nil && info.IsDir() {
		return e.Has(fsnotify.Create) && slices.Contains(within, filepath.Dir(e.Name))
	}
	return e.Name == c.workspace.BaselinePath(e.Name) || project.Matters(filepath.Base(e.Name))
}
