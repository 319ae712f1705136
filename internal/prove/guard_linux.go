package prove

import (
	"bytes"
	"fmt"
	"os"
	"strconv"
	"syscall"
	"time"

	"github.com/landlock-lsm/go-landlock/landlock"
	ll "github.com/landlock-lsm/go-landlock/landlock/syscall"
	"golang.org/x/sys/unix"
)

// changes are the rights without which nothing of a file system is changed: all but reading and running.
const changes = ll.AccessFSWriteFile | ll.AccessFSRemoveDir | ll.AccessFSRemoveFile | ll.AccessFSMakeChar | ll.AccessFSMakeDir | ll.AccessFSMakeReg | ll.AccessFSMakeSock |
	ll.AccessFSMakeFifo | ll.AccessFSMakeBlock | ll.AccessFSMakeSym | ll.AccessFSRefer | ll.AccessFSTruncate

// leastLandlock is the version of Landlock that lets files be renamed from one directory to another.
const leastLandlock = 2

// landlocked reports whether the kernel holds processes to directories, whatever they are. All threads of a process are told, which are
// found by /proc: without it, as in a bare chroot, that ends the process.
func landlocked() bool {
	if _, err := os.Stat("/proc/self/task"); err != nil {
		return false
	}
	version, err := ll.LandlockGetABIVersion()
	return err == nil && version >= leastLandlock && os.Getenv(withoutLandlock) == ""
}

// withoutLandlock is an environment variable by which tests see what holds without it.
const withoutLandlock = "CKPT_PROVE_WITHOUT_LANDLOCK"

// restrict holds this process, and all that it will start, to directories: nothing elsewhere is changed. Where the kernel cannot, nothing
// happens.
func restrict(dirs []string) error {
	if !landlocked() {
		return nil
	}
	files, more := devices()
	return landlock.Config{HandledAccessFS: changes}.BestEffort().RestrictPaths(
		landlock.PathAccess(changes, append(dirs, more...)...).IgnoreIfMissing(),
		landlock.PathAccess(ll.AccessFSWriteFile|ll.AccessFSTruncate, files...).IgnoreIfMissing(),
	)
}

// Unheld says what is not kept from changing files outside of the copy on this system; "" where everything is.
func Unheld() string {
	if landlocked() {
		return ""
	}
	return "this kernel has no Landlock (Linux 5.19 and later have, unless it is switched off), or /proc is not mounted: Python code is kept from changing files outside of the copy, native code and other programs are not"
}

// adopt has the processes whose parents end become ours.
func adopt() { _ = unix.Prctl(unix.PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) }

// dyingWithUs has a command be killed when this process ends.
func dyingWithUs() *syscall.SysProcAttr { return &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL} }

// endAll kills every process below this one. Those whose parents end become ours, so in the end there are none.
func endAll(group int) {
	_ = syscall.Kill(-group, syscall.SIGKILL) // which is all without /proc
	for until := time.Now().Add(grace); time.Now().Before(until); {
		left := children()
		for _, pid := range left {
			_ = syscall.Kill(pid, syscall.SIGKILL)
		}
		for {
			if pid, err := syscall.Wait4(-1, nil, syscall.WNOHANG, nil); err != nil || pid <= 0 {
				break
			}
		}
		if len(left) == 0 {
			return
		}
		time.Sleep(time.Millisecond)
	}
}

// children are the processes whose parent is this one.
func children() []int {
	entries, err := os.ReadDir("/proc")
	if err != nil {
		return nil
	}
	var out []int
	for _, e := range entries {
		pid, err := strconv.Atoi(e.Name())
		if err != nil {
			continue
		}
		stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
		if err != nil {
			continue
		}
		// 12 (name) S 11 ...: the name may hold anything.
		fields := bytes.Fields(stat[bytes.LastIndexByte(stat, ')')+1:])
		if len(fields) > 1 && string(fields[1]) == strconv.Itoa(os.Getpid()) {
			out = append(out, pid)
		}
	}
	return out
}
