//go:build unix

package prove

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"syscall"
)

// ownGroup starts a command in a process group of its own, so that signals reach all of the group and a Ctrl-C not the run before us.
func ownGroup(c *exec.Cmd) { c.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} }

func signalGroup(c *exec.Cmd, s syscall.Signal) {
	if c.Process != nil {
		_ = syscall.Kill(-c.Process.Pid, s)
	}
}

// ours reports whether a file belongs to who runs this process.
func ours(info os.FileInfo) bool {
	stat, ok := info.Sys().(*syscall.Stat_t)
	return ok && int(stat.Uid) == os.Getuid()
}

// watched reports whether a process is one of ours still, and not another one that was given its number.
func watched(pid int) bool {
	env, err := os.ReadFile(fmt.Sprintf("/proc/%d/environ", pid))
	if err == nil {
		return bytes.Contains(env, []byte(settingsVariable+"="))
	}
	_, err = os.Stat("/proc/self")
	return err != nil // without /proc nobody can tell
}
