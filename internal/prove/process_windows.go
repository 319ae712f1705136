package prove

import (
	"os/exec"
	"syscall"
)

func ownGroup(*exec.Cmd) {}

// signalGroup ends the process; there are no other signals to pass on.
func signalGroup(c *exec.Cmd, _ syscall.Signal) {
	if c.Process != nil {
		_ = c.Process.Kill()
	}
}

func watched(int) bool { return true }
