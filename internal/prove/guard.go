package prove

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
)

// guardArgument is the first argument of a process of this program that guards a run: it holds what it starts to the directories of the
// run, and ends all of it when it ends or prove does.
const guardArgument = "guard-a-run-of-prove"

// writable is the environment variable in which Python processes find the directories that they may write to, as JSON.
const writable = "CKPT_PROVE_WRITE"

// order is what a guard is told.
type order struct {
	Write   []string `json:"write"` // directories
	Command []string `json:"command"`
}

// guard is the path of this program, "" until Guard was called.
var guard string

// Guard makes the process the guard of a run where it was started as one, and then does not return. A program that calls Run calls it
// first.
func Guard() {
	var err error
	if guard, err = os.Executable(); err != nil { // Linux without /proc
		guard, _ = filepath.Abs(os.Args[0])
	}
	if len(os.Args) != 3 || os.Args[1] != guardArgument {
		return
	}
	var o order
	if err := json.Unmarshal([]byte(os.Args[2]), &o); err != nil || len(o.Command) == 0 {
		fmt.Fprintln(os.Stderr, "ckpt-lsp: a guard is started by prove alone")
		os.Exit(notStarted)
	}
	os.Exit(o.run())
}

// notStarted is the exit code of a guard that could not start its command.
const notStarted = 125

// errNotGuarding says that Run is of no use in this program.
var errNotGuarding = errors.New("prove.Guard was not called by this program")

// command starts the guard, which starts the command.
func (o order) command() (*exec.Cmd, error) {
	if guard == "" {
		return nil, errNotGuarding
	}
	told, err := json.Marshal(o)
	if err != nil {
		return nil, err
	}
	return exec.Command(guard, guardArgument, string(told)), nil
}

// environment tells Python processes what they may write to.
func (o order) environment() (string, error) {
	files, dirs := devices()
	told, err := json.Marshal(map[string][]string{"dirs": append(slices.Clone(o.Write), dirs...), "files": append([]string{}, files...)})
	return writable + "=" + string(told), err
}

// devices are what every process may write to: what forgets it, terminals, accelerators, and shared memory, which workers of loaders
// hand batches over in.
func devices() (files, dirs []string) {
	for _, pattern := range []string{"null", "zero", "full", "random", "urandom", "tty", "ptmx", "nvidia*", "kfd", "dri/*", "infiniband/*", "accel/*"} {
		found, _ := filepath.Glob(filepath.Join("/dev", pattern)) // the patterns are sound
		files = append(files, found...)
	}
	for _, dir := range []string{"/dev/shm", "/dev/pts", "/dev/mqueue", "/dev/nvidia-caps"} {
		if info, err := os.Stat(dir); err == nil && info.IsDir() {
			dirs = append(dirs, dir)
		}
	}
	return files, dirs
}
