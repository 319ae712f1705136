//go:build unix && !linux

package prove

import "syscall"

// restrict does nothing: there is no Landlock here.
func restrict([]string) error { return nil }

// Unheld says what is not kept from changing files outside of the copy on this system.
func Unheld() string {
	return "on this system Python code is kept from changing files outside of the copy, native code and other programs are not: only Linux can"
}

func adopt() {}

func dyingWithUs() *syscall.SysProcAttr { return &syscall.SysProcAttr{} }

// endAll kills the group of a process. What has left the group lives on.
func endAll(group int) { _ = syscall.Kill(-group, syscall.SIGKILL) }
