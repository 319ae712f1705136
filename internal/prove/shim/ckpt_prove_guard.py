"""Keeps a Python process of `ckpt-lsp prove` from changing files outside of the directories of its run.

Every change that Python makes raises an audit event before it is made. What native code does raises none: on Linux the kernel holds the
process to the same directories. It needs nothing but Python, 3.8 or later.
"""

import errno
import json
import os
import sys

RULES = json.loads(os.environ["CKPT_PROVE_WRITE"])
TOPS = [os.path.realpath(d) for d in RULES["dirs"]]
FILES = {os.path.realpath(f) for f in RULES["files"] + [os.devnull]}
CHANGING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND

# The events by which something is changed: for each path among the arguments its position, that of the descriptor of the directory it is
# relative to, and whether a link at its end is followed.
EVENTS = {
    "os.chflags": [(0, None, True)],
    "os.chmod": [(0, 2, True)],
    "os.chown": [(0, 3, True)],
    "os.lchown": [(0, None, False)],
    "os.link": [(0, 2, False), (1, 3, False)],
    "os.mkdir": [(0, 2, False)],
    "os.remove": [(0, 1, False)],
    "os.removexattr": [(0, None, True)],
    "os.rename": [(0, 2, False), (1, 3, False)],
    "os.rmdir": [(0, 1, False)],
    "os.setxattr": [(0, None, True)],
    "os.symlink": [(1, 2, False)],
    "os.truncate": [(0, None, True)],
    "os.utime": [(0, 3, True)],
    "sqlite3.connect": [(0, None, True)],
    "_winapi.CreateJunction": [(1, None, False)],
    "_winapi.CopyFile2": [(1, None, True)],
}


def described(fd):
    """The path of an open file or directory; "" where that is not known."""
    try:
        return os.readlink("/proc/self/fd/%d" % fd)
    except OSError:
        pass
    try:
        import fcntl

        return os.fsdecode(fcntl.fcntl(fd, 50, bytes(1024)).rstrip(b"\0"))  # F_GETPATH of macOS
    except Exception:
        return ""


def real(path, dir_fd, follow):
    """Where a path leads; "" where it is no path."""
    if isinstance(path, int):
        return described(path)
    try:
        path = os.fsdecode(path)
    except TypeError:
        return ""
    if isinstance(dir_fd, int) and dir_fd >= 0 and not os.path.isabs(path):
        path = os.path.join(described(dir_fd), path)
    path = os.path.abspath(path)
    if follow:
        return os.path.realpath(path)
    return os.path.join(os.path.realpath(os.path.dirname(path)), os.path.basename(path))


def below(path, top):
    path, top = os.path.normcase(path), os.path.normcase(top)
    return path == top or path.startswith(top.rstrip(os.sep) + os.sep)


def allowed(path):
    # A descriptor may be that of a pipe, or of memory with a name.
    return not os.path.isabs(path) or path.startswith("/memfd:") or path in FILES or any(below(path, t) for t in TOPS)


def place():
    """The file and line from which the change is made: the innermost one that is neither ours nor a library's."""
    frame, first = sys._getframe(2), ""
    while frame is not None:
        file = frame.f_code.co_filename
        if not file.startswith("<") and os.path.dirname(file) != os.path.dirname(os.path.abspath(__file__)):
            at = "%s:%d" % (file, frame.f_lineno)
            first = first or at
            for top in TOPS:
                if below(os.path.realpath(file), top):
                    return "%s:%d" % (os.path.relpath(os.path.realpath(file), top), frame.f_lineno)
        frame = frame.f_back
    return first


def refuse(path, what="write"):
    """Fails with what is refused, where, and what allows it."""
    at = place()
    top = path if os.path.isdir(path) else os.path.dirname(path)
    tell = sys.modules.get("ckpt_prove_watch")
    if tell is not None:
        tell.log.write("outside", what == "save", what=what, path=path, target=top, at=at)
    raise PermissionError(
        errno.EACCES, "ckpt-lsp prove: %s changes this file, outside of the copy that the run works in; allow it with --allow-write %s" % (at, top), path
    )


def check(path, dir_fd=None, follow=True, what="write"):
    path = real(path, dir_fd, follow)
    if path and not allowed(path):
        refuse(path, what)


def audit(event, args):
    if event == "open":
        flags = args[2] if len(args) > 2 else 0
        if not isinstance(flags, int) or not flags & CHANGING or isinstance(args[0], int):
            return
        paths = [(0, None, True)]
    elif event in EVENTS:
        paths = EVENTS[event]
    else:
        return
    for path, dir_fd, follow in paths:
        if path < len(args):
            check(args[path], args[dir_fd] if dir_fd is not None and dir_fd < len(args) else None, follow)


sys.addaudithook(audit)
