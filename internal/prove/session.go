package prove

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// settingsVariable is the environment variable in which the shim finds its settings.
const settingsVariable = "CKPT_PROVE"

// settings are what the shim is told; ckpt_prove_watch.py reads them.
type settings struct {
	Root   string `json:"root"`
	Events string `json:"events"`
	Pids   string `json:"pids"`
	Steps  int    `json:"steps,omitempty"`
	Digest Digest `json:"digest,omitempty"`
	Kill   *kill  `json:"kill,omitempty"`
}

// kill says when a run ends itself: at the step behind so many checkpoint writes, or in a file operation when so many bytes of it
// are written.
type kill struct {
	Save  int   `json:"save,omitempty"`
	Op    int   `json:"op,omitempty"`
	Bytes int64 `json:"bytes,omitempty"`
	After bool  `json:"after,omitempty"` // when the operation is done
	// Path is the file of the operation, where a checkpoint goes that is saved into memory first.
	Path string `json:"path,omitempty"`
}

// session holds the directories of one proof.
type session struct {
	options Options
	scratch *scratch // removed in the end
	work    string   // everything of the proof
	base    string   // what each run starts from, "" for runs in place
	root    string   // where runs work; the same path for all, as paths find their way into checkpoints
	// temporary is where the runs put their temporary files, and allowed are the directories besides that they may write to.
	temporary string
	allowed   []string
	python    string
	launched  bool   // by a program that chooses the interpreter itself
	torch     string // its version
	runs      int
	planned   int
}

// run is one run of the script that came to an end.
type run struct {
	logs   []*runLog // by rank
	dir    string    // what it left
	output string    // the file of what it printed
	failed error
}

// main is the log of rank 0.
func (r *run) main() *runLog { return r.logs[0] }

func newSession(o Options) (_ *session, err error) {
	s := &session{options: o}
	if s.options.Dir, err = filepath.Abs(o.Dir); err != nil {
		return nil, err
	}
	if s.options.Dir, err = filepath.EvalSymlinks(s.options.Dir); err != nil {
		return nil, err
	}
	if err := s.interpreter(); err != nil {
		return nil, err
	}
	if err := s.findScript(); err != nil {
		return nil, err
	}
	if err := s.allow(); err != nil {
		return nil, err
	}
	if err := s.makeRoom(); err != nil {
		s.close()
		return nil, err
	}
	defer func() {
		if err != nil {
			s.close()
		}
	}()
	if err := writeShim(filepath.Join(s.work, "shim")); err != nil {
		return nil, err
	}
	if o.InPlace {
		s.root = s.options.Dir
		return s, nil
	}
	s.base, s.root = filepath.Join(s.work, "base"), filepath.Join(s.work, "run")
	if rel, err := filepath.Rel(s.options.Dir, s.work); err == nil && filepath.IsLocal(rel) {
		return nil, fmt.Errorf("%s lies inside the directory that is copied: expected one outside of %s", s.work, s.options.Dir)
	}
	return s, copyTree(s.options.Dir, s.base, o.Link)
}

// allow finds the directories that the runs may write to besides their copy.
func (s *session) allow() error {
	for _, dir := range s.options.AllowWrite {
		if !filepath.IsAbs(dir) {
			dir = filepath.Join(s.options.Dir, dir)
		}
		real, err := filepath.EvalSymlinks(dir)
		if err != nil {
			return fmt.Errorf("--allow-write %s: expected a directory that is there: %w", dir, err)
		}
		s.allowed = append(s.allowed, real)
	}
	return nil
}

// makeRoom makes the directories of the proof.
func (s *session) makeRoom() (err error) {
	sweep()
	if s.scratch, err = newScratch(); err != nil {
		return err
	}
	s.temporary = filepath.Join(s.scratch.dir, "tmp")
	if err := os.Mkdir(s.temporary, 0o700); err != nil {
		return err
	}
	if s.options.Keep == "" {
		s.work = s.scratch.dir
		return nil
	}
	s.work, err = evidence(s.options.Keep)
	return err
}

// evidence is the directory that is left, which must be a new one.
func evidence(keep string) (string, error) {
	if entries, err := os.ReadDir(keep); err == nil && len(entries) > 0 {
		return "", fmt.Errorf("%s is not empty: expected a new directory for the evidence", keep)
	}
	if err := os.MkdirAll(keep, 0o755); err != nil {
		return "", err
	}
	keep, err := filepath.Abs(keep)
	if err != nil {
		return "", err
	}
	return filepath.EvalSymlinks(keep)
}

// close removes what is not kept.
func (s *session) close() {
	if s.scratch != nil {
		s.scratch.remove()
	}
	if s.options.Keep == "" || s.work == "" {
		return
	}
	_ = os.RemoveAll(filepath.Join(s.work, "base"))
	_ = os.RemoveAll(filepath.Join(s.work, "shim"))
}

var pythonName = regexp.MustCompile(`^python[0-9.]*(\.exe)?$`)

// interpreter finds the Python of the command, and puts one in front where there is none.
func (s *session) interpreter() error {
	o := &s.options
	if len(o.Command) == 0 {
		return errors.New("nothing to run: expected a command, such as python train.py")
	}
	o.Command = slices.Clone(o.Command)
	python := o.Python
	switch {
	case pythonName.MatchString(filepath.Base(o.Command[0])):
		if python == "" {
			python = o.Command[0]
		}
		o.Command = o.Command[1:]
	case strings.HasSuffix(o.Command[0], ".py"):
		if python == "" {
			python = "python3"
		}
	default: // a launcher: torchrun, accelerate launch
		if o.Ranks > 0 {
			return fmt.Errorf("--ranks starts the processes itself: expected a Python script, not %s", o.Command[0])
		}
		launcher, err := exec.LookPath(o.Command[0])
		if err != nil {
			return fmt.Errorf("%s: %w", o.Command[0], err)
		}
		o.Command[0], s.launched = launcher, python == ""
		if python == "" {
			python = "python3"
		}
		if python, err = exec.LookPath(python); err != nil {
			return err
		}
		s.python, err = filepath.Abs(python)
		return err
	}
	if strings.ContainsRune(python, filepath.Separator) && !filepath.IsAbs(python) {
		python = filepath.Join(o.Dir, python)
	}
	found, err := exec.LookPath(python)
	if err != nil {
		return fmt.Errorf("the interpreter %s was not found: name it with --python", python)
	}
	s.python = found
	o.Command = append([]string{found}, o.Command...)
	if resume := o.ResumeCommand; len(resume) > 0 {
		if pythonName.MatchString(filepath.Base(resume[0])) {
			resume = resume[1:]
		}
		o.ResumeCommand = append([]string{found}, resume...)
	}
	return nil
}

// ranOn takes the interpreter from a run that a launcher has started: the launcher knows which it is, and PATH may name another.
func (s *session) ranOn(r *run) {
	if !s.launched {
		return
	}
	for _, e := range r.main().events {
		if e.Kind == "torch" && e.Executable != "" {
			s.python = e.Executable
		}
	}
}

// findScript makes sure that the script lies where it is copied with the rest.
func (s *session) findScript() error {
	i := script(s.options.Command)
	if i < 0 {
		return nil
	}
	path := s.options.Command[i]
	if !filepath.IsAbs(path) {
		path = filepath.Join(s.options.Dir, path)
	}
	if _, err := os.Stat(path); err != nil {
		return fmt.Errorf("%s: no such script", s.options.Command[i])
	}
	resolved, err := filepath.EvalSymlinks(path)
	if err != nil {
		return err
	}
	if rel, err := filepath.Rel(s.options.Dir, resolved); !s.options.InPlace && (err != nil || !filepath.IsLocal(rel)) {
		return fmt.Errorf("%s lies outside of %s, which is what is copied: run ckpt-lsp in a directory that holds the script, or with --in-place", path, s.options.Dir)
	}
	return nil
}

// fresh makes the directory of runs anew.
func (s *session) fresh() error {
	if s.base == "" {
		return nil
	}
	if err := os.RemoveAll(s.root); err != nil {
		return err
	}
	return copyTree(s.base, s.root, nil)
}

// setAside moves the directory of runs away under a name, and gives where it lies then.
func (s *session) setAside(name string) (string, error) {
	if s.base == "" {
		return s.root, nil
	}
	aside := filepath.Join(s.work, name, "files")
	return aside, os.Rename(s.root, aside)
}

// moved puts the directory of runs in the place of the user's in words that name files there.
func (s *session) moved(words []string) []string {
	if s.base == "" {
		return words
	}
	out := make([]string, len(words))
	for i, w := range words {
		out[i] = strings.ReplaceAll(w, s.options.Dir+string(filepath.Separator), s.root+string(filepath.Separator))
	}
	if len(words) > 0 {
		out[0] = words[0] // the interpreter, which may lie in an environment there
	}
	return out
}

// do runs a command in the directory of runs, and reads what it did.
func (s *session) do(ctx context.Context, name, doing string, command []string, k *kill) (*run, error) {
	dir := filepath.Join(s.work, name)
	set := settings{Root: s.root, Events: filepath.Join(dir, "events"), Pids: filepath.Join(dir, "pids"), Steps: s.options.Steps, Digest: s.options.Digest, Kill: k}
	for _, d := range []string{set.Events, set.Pids} {
		if err := os.MkdirAll(d, 0o755); err != nil {
			return nil, err
		}
	}
	told, err := json.Marshal(set)
	if err != nil {
		return nil, err
	}
	r := &run{dir: s.root, output: filepath.Join(dir, "output.txt")}
	output, err := os.OpenFile(r.output, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600) // by several ranks
	if err != nil {
		return nil, err
	}
	defer output.Close()
	o := order{Write: append([]string{s.root, dir, s.temporary}, s.allowed...)}
	allowed, err := o.environment()
	if err != nil {
		return nil, err
	}
	env := append(os.Environ(), allowed, "TMPDIR="+s.temporary, "TMP="+s.temporary, "TEMP="+s.temporary,
		settingsVariable+"="+string(told),
		"PYTHONPATH="+strings.TrimSuffix(filepath.Join(s.work, "shim")+string(os.PathListSeparator)+s.moved([]string{"", os.Getenv("PYTHONPATH")})[1], string(os.PathListSeparator)),
		"PYTHONDONTWRITEBYTECODE=1")
	s.runs++
	watching, stop := context.WithCancel(ctx)
	defer stop()
	go follow(watching, set.Events, doing, s.options.Progress)
	started, err := launch{
		command: s.moved(command), write: o.Write, env: env, dir: s.root, pids: set.Pids, ranks: s.options.Ranks, output: output, zygote: s.options.Zygote,
	}.start()
	if err != nil {
		return nil, err
	}
	r.failed = started.wait(ctx, s.options.Timeout)
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	if r.logs, err = readRun(set.Events); err != nil {
		return nil, err
	}
	return r, s.explain(r, set.Pids)
}

// explain turns the ways in which a run tells nothing into errors.
func (s *session) explain(r *run, pids string) error {
	if len(r.logs) > 0 {
		for _, l := range r.logs {
			for _, e := range l.events {
				if e.Kind == "unwatched" { // an answer would rest on what was not seen
					return fmt.Errorf("%w: %s: %s", ErrNotWatched, e.What, e.Error)
				}
				if e.Kind == "outside" && (e.What == "save" || r.failed != nil) {
					return fmt.Errorf("%s changes %s, outside of the copy that the run works in: give it a path below its working directory, or allow it with --allow-write %s", e.At, e.Path, e.Target)
				}
			}
		}
		return nil
	}
	printed := tail(r.output, 20)
	if strings.Contains(printed, "No module named 'torch'") {
		return fmt.Errorf("%w by %s: name an interpreter that has it with --python", ErrNoTorch, s.python)
	}
	if r.failed != nil {
		return scriptFailed(r)
	}
	if entries, err := os.ReadDir(pids); errors.Is(err, fs.ErrNotExist) || len(entries) == 0 {
		return fmt.Errorf("%w: no Python process read PYTHONPATH (is it started with -I, -E or -S?)", ErrNotWatched)
	}
	return fmt.Errorf("%w, and nothing saved or loaded\n%s", ErrNoStep, printed)
}

// scriptFailed tells how a run ended, with the end of what it printed.
func scriptFailed(r *run) error {
	printed, hint := tail(r.output, 20), ""
	if strings.Contains(printed, "Permission denied") || strings.Contains(printed, "Operation not permitted") {
		hint = "; outside of the copy that it works in nothing can be changed but what --allow-write DIR allows"
	}
	return fmt.Errorf("%w (%w)%s; the end of what it printed:\n%s", ErrScriptFailed, r.failed, hint, printed)
}

// killed reports whether a run ended at the moment it was told to.
func (r *run) killed() bool {
	return slices.ContainsFunc(r.logs, func(l *runLog) bool {
		return slices.ContainsFunc(l.events, func(e event) bool { return e.Kind == "killed" })
	})
}

// whole runs the script from a fresh directory to its end, which must be a good one.
func (s *session) whole(ctx context.Context, name, doing string) (*run, error) {
	if err := s.fresh(); err != nil {
		return nil, err
	}
	r, err := s.do(ctx, name, doing, s.options.Command, nil)
	if err != nil {
		return nil, err
	}
	if r.failed != nil {
		return nil, scriptFailed(r)
	}
	if len(r.main().steps) == 0 {
		return nil, fmt.Errorf("%w: the script trains nothing with torch.optim\n%s", ErrNoStep, tail(r.output, 5))
	}
	r.dir, err = s.setAside(name)
	return r, err
}
