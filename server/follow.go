package server

import (
	"time"

	"go.uber.org/zap"
)

const (
	// pause is how long nothing may change before other files are looked at.
	pause = 150 * time.Millisecond
	// mostFiles is how many files a workspace may have to be looked at as a whole; a home directory has more.
	mostFiles = 10_000
	// mostTrees is how many files are analysed before the trees of closed ones are freed.
	mostTrees = 32
)

// follow brings what is known of the workspace up to the newest snapshot, whenever there was none for a while. It uses one
// processor, and leaves off when a newer snapshot comes.
func (s *session) follow() {
	for s.ctx.Err() == nil {
		v := s.view.Load()
		select {
		case <-v.current.Done():
			continue
		case <-time.After(s.pause):
		}
		s.catchUp(v)
		<-v.current.Done()
	}
}

// catchUp analyses the files that an edit may have changed the findings of, then those that nobody looked at yet, and publishes
// what changed in the open documents.
func (s *session) catchUp(v *view) {
	defer s.recovered("following the workspace")
	for _, d := range v.docs { // what their own goroutines do goes first
		if _, err := d.analyze(v.current, v); err != nil {
			return
		}
	}
	paths := v.open()
	if s.rooted {
		files := v.files.in(s.workspace)
		if len(files) > mostFiles {
			s.log.Warn("the workspace is too large: closed files are only seen where an open one imports them", zap.Int("files", len(files)))
			files = nil
		}
		paths = append(paths, files...)
	}
	missing := v.index.Keep(paths)
	s.update(v, v.index.Stale(v.program))
	s.renew(v)
	if len(missing) > 0 {
		s.update(v, missing)
		s.update(v, v.index.Stale(v.program)) // entry points that turned out to be entered by others
		s.renew(v)
	}
	v.release()
	if v.current.Err() == nil {
		close(v.settled)
	}
}

// update analyses the entry points of files.
func (s *session) update(v *view, paths []string) {
	for i, path := range paths {
		if v.index.Update(v.current, v.program, path) != nil {
			return
		}
		if i%mostTrees == mostTrees-1 {
			v.release()
		}
	}
}

// release frees the trees that neither open documents nor their fixes need.
func (v *view) release() {
	v.index.Release(v.open())
	v.program.Release()
}

// renew publishes what is found in the open documents now.
func (s *session) renew(v *view) {
	for _, d := range v.docs {
		if d.renew(v.current, v) != nil {
			return
		}
		s.publish(d)
	}
}
