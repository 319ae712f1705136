"""Starts the binary that the package has put beside this Python: `python -m ckpt_lsp`."""
import os
import subprocess
import sys
import sysconfig


def find_binary():
    """The path of the binary: in this environment, the user's, or where `pip install --target` puts it."""
    name = "ckpt-lsp.exe" if os.name == "nt" else "ckpt-lsp"
    user = "nt_user" if os.name == "nt" else "osx_framework_user" if sys.platform == "darwin" and sys._framework else "posix_user"
    package = os.path.dirname(os.path.abspath(__file__))
    folders = [
        sysconfig.get_path("scripts"),
        sysconfig.get_path("scripts", scheme=user),
        os.path.join(os.path.dirname(package), "bin"),
    ]
    for folder in folders:
        path = os.path.join(folder, name)
        if os.path.isfile(path):
            return path
    raise FileNotFoundError("%s is in none of %s; install ckpt-lsp again" % (name, ", ".join(folders)))


if __name__ == "__main__":
    binary = find_binary()
    if os.name == "nt":
        sys.exit(subprocess.call([binary] + sys.argv[1:]))
    os.execv(binary, [binary] + sys.argv[1:])
