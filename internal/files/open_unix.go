//go:build unix

package files

import "syscall"

// nonblocking has an open come back where the other end of a pipe is missing.
const nonblocking = syscall.O_NONBLOCK
