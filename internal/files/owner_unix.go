//go:build unix

package files

import (
	"fmt"
	"io/fs"
	"os"
	"syscall"
)

// keepOwner gives a new file the owner and the group of another one, and tells what cannot be given.
func keepOwner(f *os.File, of fs.FileInfo) (lost []string) {
	want, ok := of.Sys().(*syscall.Stat_t)
	if !ok {
		return nil
	}
	info, err := f.Stat()
	if err != nil {
		return nil
	}
	have, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return nil
	}
	if have.Gid != want.Gid && system.chown(f, -1, int(want.Gid)) != nil {
		lost = append(lost, fmt.Sprintf("its group was %d, and is %d now", want.Gid, have.Gid))
	}
	if have.Uid != want.Uid && system.chown(f, int(want.Uid), -1) != nil {
		lost = append(lost, fmt.Sprintf("its owner was %d, and is %d now", want.Uid, have.Uid))
	}
	return lost
}

// names is how many names a file has.
func names(info fs.FileInfo) int {
	if stat, ok := info.Sys().(*syscall.Stat_t); ok {
		return int(stat.Nlink)
	}
	return 1
}
