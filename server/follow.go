package server

import (
	"time"

	"go.uber.org/zap"
)

const (
	// pause is how long nothing may change before other files are looked at.
	pause = 150 * time.Millisecond
	// mostTrees is how many files are analysed before the trees of closed ones are freed.
	mostTrees = 32
)

// follow brings what is known of the workspace up to the newest snapshot, whenever there was none for a while. It uses one
// processor, and leaves off when a newer snapshot comes.
func (s *session) follow() {
	if s.awaitSettings(s.ctx) != nil {
		return
	}
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
	missing := map[*folder][]string{}
	for _, f := range v.folders {
		missing[f] = f.index.Keep(append(v.open(f), s.closed(v, f)...))
		s.update(v, f, f.index.Stale(f.program))
	}
	s.renew(v)
	if s.look(v, missing) {
		s.renew(v)
	}
	for _, f := range v.folders {
		f.release(v)
	}
	if v.current.Err() == nil {
		close(v.settled)
	}
}

// closed are the files of a folder that are looked at without being open.
func (s *session) closed(v *view, f *folder) []string {
	if !f.settings.enable || f.files.declined.Load() {
		return nil
	}
	files, exceeded, err := v.files(s.ctx, f) // not the snapshot's: who types on would have it begin again and again
	if err != nil {
		return nil
	}
	if exceeded {
		s.log.Warn("the folder is too large: closed files are only seen where an open one imports them", zap.String("folder", f.workspace.Root()))
	}
	return files
}

// look analyses files that nobody looked at yet, and reports whether there were any. What takes long is shown, over all snapshots
// that it takes; the user can call it off, until the names of the files change.
func (s *session) look(v *view, missing map[*folder][]string) bool {
	count := 0
	for _, paths := range missing {
		count += len(paths)
	}
	switch {
	case count > mostQuiet && s.indexing == nil && v.current.Err() == nil:
		s.indexing = s.track("Reading the workspace", count)
	case s.indexing != nil && count > s.indexing.total:
		s.indexing.total = count
	}
	left := count
	for f, paths := range missing {
		if len(paths) == 0 {
			continue
		}
		s.update(v, f, paths, func() bool {
			left--
			if s.indexing == nil {
				return true
			}
			s.advanced(s.indexing, s.indexing.total-left)
			return s.indexing.cancelled.Err() == nil
		})
		s.update(v, f, f.index.Stale(f.program)) // entry points that turned out to be entered by others
	}
	if p := s.indexing; p != nil && v.current.Err() == nil {
		message := "done"
		if p.cancelled.Err() != nil {
			message = "cancelled: files that are not open are only seen where an open one imports them"
			for f := range missing {
				f.files.declined.Store(true)
			}
		}
		s.end(p, message)
		s.indexing = nil
	}
	return count > 0
}

// update analyses the entry points of files of a folder; goOn is asked behind each.
func (s *session) update(v *view, f *folder, paths []string, goOn ...func() bool) {
	for i, path := range paths {
		if f.index.Update(v.current, f.program, path) != nil {
			return
		}
		if i%mostTrees == mostTrees-1 {
			f.release(v)
		}
		for _, ask := range goOn {
			if !ask() {
				return
			}
		}
	}
}

// release frees the trees that neither open documents nor their fixes need.
func (f *folder) release(v *view) {
	f.index.Release(v.open(f))
	f.program.Release()
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
