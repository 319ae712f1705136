package prove

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// python is an interpreter with torch. Without one the test is skipped, but never in CI.
func python(t *testing.T) string {
	t.Helper()
	if os.Getenv("CKPT_PROOF") == "" {
		t.Skip("SKIPPED: runs PyTorch for two minutes; run it with CKPT_PROOF=1 go test ./internal/prove")
	}
	name := os.Getenv("CKPT_PROOF_PYTHON")
	if name == "" {
		name = "/usr/bin/python3"
	}
	if out, err := exec.Command(name, "-c", "import torch, numpy").CombinedOutput(); err != nil {
		if os.Getenv("CI") != "" {
			t.Fatalf("%s has no torch and numpy; .ci/run installs them: %v\n%s", name, err, out)
		}
		t.Skipf("SKIPPED: %s has no torch and numpy, so nothing was proven (CKPT_PROOF_PYTHON names another)", name)
	}
	t.Setenv("OMP_NUM_THREADS", "1")
	return name
}

// directory makes one that holds a script.
func directory(t *testing.T, source string) string {
	t.Helper()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "train.py"), []byte(source), 0o600); err != nil {
		t.Fatal(err)
	}
	return dir
}

func exact(t *testing.T) string {
	t.Helper()
	source, err := os.ReadFile("testdata/train.py")
	if err != nil {
		t.Fatal(err)
	}
	return string(source)
}

// TestResume loses one thing after the other when a run resumes, and expects to be told which.
func TestResume(t *testing.T) {
	name := python(t)
	for lose, want := range map[string]struct {
		component Component
		text      string
	}{
		"":          {},
		"model":     {Parameters, "parameters differ"},
		"optimizer": {Optimizer, "buffers"},
		"scheduler": {LearningRate, ""},
		"torch":     {DataOrder, "other samples (torch starts from its seed again at train.py:21)"},
		"numpy":     {Augmentation, "(numpy starts from its seed again at train.py:23)"},
		"random":    {Data, "(random starts from its seed again at train.py:24)"},
		"one epoch": {Progress, "one epoch of 4 steps is repeated"},
		"progress":  {Progress, "training starts over"},
		"average":   {Saved, "`average` in last.pt.tmp"},
		"best":      {Saved, "`best` in last.pt.tmp"},
	} {
		t.Run(lose, func(t *testing.T) {
			r, err := Run(t.Context(), Options{
				Command: []string{"train.py", "--lose", lose}, Dir: directory(t, exact(t)), Python: name, Questions: []Question{Resume},
				ResumeArgs: []string{"--resume", "last.pt"}, Checkpoint: 4, Timeout: time.Minute,
			})
			if err != nil {
				t.Fatal(err)
			}
			if r.Resume == nil {
				t.Fatal(r.Failed)
			}
			if r.Resume.Step != 16 || r.Resume.Loaded != "last.pt" {
				t.Errorf("resumed at step %d from %s, want 16 from last.pt", r.Resume.Step, r.Resume.Loaded)
			}
			if lose == "" {
				if !r.Proven() {
					t.Errorf("want an exact resume, got %v", r.Resume.Differences)
				}
				return
			}
			if r.Proven() || !r.Refuted() {
				t.Error("want a refutation")
			}
			for _, d := range r.Resume.Differences {
				if d.Component == want.component && strings.Contains(d.String(), want.text) {
					return
				}
			}
			t.Errorf("want %s: %s, got %v", want.component, want.text, r.Resume.Differences)
		})
	}
}

// TestRepeat leaves a generator unseeded, and expects to be told which.
func TestRepeat(t *testing.T) {
	name := python(t)
	for unseeded, want := range map[string]string{
		"":      "",
		"numpy": "step 1, epoch 1: model inputs: the same batch reaches the model with other values: what the loop does to it differs (numpy is never seeded, and drawn from at train.py:69)",
		"torch": "step 1: parameters: the model begins with other weights: 4 of 6 parameters differ, the first is 0.weight (torch is never seeded)",
	} {
		t.Run(unseeded, func(t *testing.T) {
			r, err := Run(t.Context(), Options{
				Command: []string{"train.py", "--unseeded", unseeded}, Dir: directory(t, exact(t)), Python: name, Questions: []Question{Repeat}, Steps: 6, Timeout: time.Minute,
			})
			if err != nil {
				t.Fatal(err)
			}
			if r.Repeat.Steps != 6 {
				t.Errorf("%d steps, want the 6 that were asked for", r.Repeat.Steps)
			}
			if r.Proven() != (want == "") {
				t.Errorf("proven is %t", r.Proven())
			}
			if want != "" && r.Repeat.Differences[0].String() != want {
				t.Errorf("got %s\nwant %s", r.Repeat.Differences[0], want)
			}
		})
	}
}

// TestErrors holds every way in which nothing can be said to its error.
func TestErrors(t *testing.T) {
	name := python(t)
	outside := filepath.Join(t.TempDir(), "last.pt")
	const step = "import torch\np = torch.nn.Parameter(torch.ones(1))\no = torch.optim.SGD([p], lr=0.1)\nfor i in range(3):\n    p.sum().backward()\n    o.step()\n"
	for _, test := range []struct {
		name, source string
		python       []string
		questions    []Question
		want         error
		text         string
	}{
		{"fails", "import torch\nraise SystemExit('no data')", nil, nil, ErrScriptFailed, "no data"},
		{"no torch", "import torch", []string{"-S"}, nil, ErrNoTorch, "--python"},
		{"not watched", "import sys", []string{"-I"}, nil, ErrNotWatched, "PYTHONPATH"},
		{"no step", "import torch", nil, nil, ErrNoStep, ""},
		{"no checkpoint", step, nil, []Question{Resume}, nil, ErrNoCheckpoint.Error()},
		{"nothing read", step + "    torch.save(p, 'last.pt')\n", nil, []Question{Resume}, nil, ErrNothingRead.Error()},
		{"outside", step + "    torch.save(p, '" + outside + "')\n", nil, nil, nil, "--allow-write " + filepath.Dir(outside)},
		{"too long", "import torch, time\ntime.sleep(60)", nil, nil, nil, "longer than 3s"},
	} {
		t.Run(test.name, func(t *testing.T) {
			o := Options{Command: append(append([]string{name}, test.python...), "train.py"), Dir: directory(t, test.source), Questions: test.questions, Timeout: time.Minute}
			if test.name == "too long" {
				o.Timeout = 3 * time.Second
			}
			r, err := Run(t.Context(), o)
			if err == nil && len(r.Failed) == 1 {
				for _, text := range r.Failed {
					err = errors.New(text)
				}
			}
			if err == nil {
				t.Fatal("there is no error")
			}
			if test.want != nil && !errors.Is(err, test.want) {
				t.Errorf("got %v, want %v", err, test.want)
			}
			if !strings.Contains(err.Error(), test.text) {
				t.Errorf("got %v, want it to say %q", err, test.text)
			}
		})
	}
	if _, err := os.Stat(outside); err == nil {
		t.Error("the script has saved outside of its copy")
	}
}

// TestNothingIsLeft holds a proof to its promise to touch nothing of the user's and to clean up.
func TestNothingIsLeft(t *testing.T) {
	name := python(t)
	temporary := t.TempDir()
	t.Setenv("TMPDIR", temporary)
	dir := directory(t, exact(t))
	if err := os.WriteFile(filepath.Join(dir, "last.pt"), []byte("the user's"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Run(t.Context(), Options{Command: []string{name, "train.py"}, Dir: dir, Questions: []Question{Kill}, Kills: 2, Timeout: time.Minute}); err != nil {
		t.Fatal(err)
	}
	if kept, err := os.ReadFile(filepath.Join(dir, "last.pt")); err != nil || string(kept) != "the user's" {
		t.Errorf("last.pt holds %q (%v)", kept, err)
	}
	for _, d := range []string{dir, temporary} {
		entries, err := os.ReadDir(d)
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range entries {
			if e.Name() != "train.py" && e.Name() != "last.pt" {
				t.Errorf("%s is left", e.Name())
			}
		}
	}
}

// TestInterrupted passes a signal on to the script, and leaves no process.
func TestInterrupted(t *testing.T) {
	name := python(t)
	keep := filepath.Join(t.TempDir(), "evidence")
	dir := directory(t, `
import os, signal, sys, time
import torch

def stop(*_):
    print("stopped by the signal", flush=True)
    sys.exit(1)

signal.signal(signal.SIGTERM, stop)
if os.fork() == 0:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    time.sleep(100)
print("ready", flush=True)
time.sleep(100)
`)
	ctx, cancel := context.WithCancelCause(t.Context())
	output := filepath.Join(keep, "uninterrupted", "output.txt")
	go func() {
		for !strings.Contains(tail(output, 5), "ready") && ctx.Err() == nil {
			time.Sleep(50 * time.Millisecond)
		}
		cancel(Interrupted{syscall.SIGTERM})
	}()
	_, err := Run(ctx, Options{Command: []string{name, "train.py"}, Dir: dir, Keep: keep, Timeout: time.Minute})
	var interrupted Interrupted
	if !errors.As(err, &interrupted) {
		t.Errorf("got %v, want the interruption", err)
	}
	if printed := tail(output, 5); !strings.Contains(printed, "stopped by the signal") {
		t.Errorf("the script printed %q", printed)
	}
	pids, err := os.ReadDir(filepath.Join(keep, "uninterrupted", "pids"))
	if err != nil || len(pids) != 2 {
		t.Fatalf("%d processes (%v), want 2", len(pids), err)
	}
	for _, p := range pids {
		if !gone(filepath.Join("/proc", p.Name(), "stat")) {
			t.Errorf("process %s is left", p.Name())
		}
	}
}

// TestInterruptedLater ends a proof while a second question is asked: the answer to the first is told.
func TestInterruptedLater(t *testing.T) {
	name := python(t)
	ctx, cancel := context.WithCancelCause(t.Context())
	r, err := Run(ctx, Options{Command: []string{name, "train.py"}, Dir: directory(t, exact(t)), Questions: []Question{Repeat, Resume}, Timeout: time.Minute,
		Progress: func(s Status) {
			if strings.Contains(s.Doing, "killed") {
				cancel(Interrupted{syscall.SIGINT})
			}
		}})
	var interrupted Interrupted
	if !errors.As(err, &interrupted) {
		t.Fatalf("got %v, want the interruption", err)
	}
	if r == nil || r.Repeat == nil || !r.Repeat.Proven || r.Resume != nil || !strings.Contains(r.Failed[Resume], "interrupted") {
		t.Errorf("got %+v, want what is known", r)
	}
}

// gone waits for a process to end; one that is killed takes its time.
func gone(stat string) bool {
	for range 100 {
		state, err := os.ReadFile(stat)
		if err != nil || strings.Contains(string(state), ") Z ") {
			return true
		}
		time.Sleep(50 * time.Millisecond)
	}
	return false
}
