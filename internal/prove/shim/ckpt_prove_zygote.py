"""Starts scripts for the proof suite out of a process that has imported torch already, which takes longer than most of its programs.

A line of JSON on standard input asks for a script; the answers are its process number and, later, its exit status. Each script
runs in a fork with a session, an environment, and generators seeded anew, as a new process has them. What it shares with its
siblings is the order of sets of strings.
"""

import json
import os
import random
import runpy
import select
import signal
import sys
import traceback

import torch
import torch.distributed
import torch.nn.parallel
import torch.optim.swa_utils
import torch.utils.data

try:
    import numpy
except ImportError:
    numpy = None


def tell(**answer):
    os.write(1, (json.dumps(answer) + "\n").encode())


groups = []


def keep_groups():
    """Lets no process group be destroyed before its process ends.

    The last to hold one is often DistributedDataParallel, which destroys it without letting go of the interpreter's lock and waits
    for the group's thread. That thread may still want the lock to drop a tensor: then the process hangs now and then (seen under
    torch 1.13 with gloo, in scripts whose model outlives destroy_process_group).
    """
    init = torch.distributed.init_process_group

    def init_process_group(*args, **kwargs):
        init(*args, **kwargs)
        groups.append(torch.distributed.distributed_c10d._get_default_group())

    torch.distributed.init_process_group = init_process_group


def run(request):
    """Becomes the script, in a fork. Gives its exit status."""
    signal.set_wakeup_fd(-1)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    os.setsid()
    os.chdir(request["dir"])
    os.environ.clear()
    os.environ.update(request["env"])
    output = os.open(request["output"], os.O_WRONLY | os.O_APPEND)
    null = os.open(os.devnull, os.O_RDONLY)
    os.dup2(null, 0)
    os.dup2(output, 1)
    os.dup2(output, 2)
    torch.seed()
    random.seed()
    if numpy is not None:
        numpy.random.seed()
    keep_groups()
    script = request["argv"][0]
    sys.argv = request["argv"]
    sys.path[:1] = [os.path.dirname(os.path.abspath(script))] + os.environ.get("PYTHONPATH", "").split(os.pathsep)
    status = 0
    try:
        if request["watched"]:
            import sitecustomize  # the shim's, now that it is on the path

        runpy.run_path(script, run_name="__main__")
    except SystemExit as end:
        if end.code is not None and not isinstance(end.code, int):
            print(end.code, file=sys.stderr)
        status = 0 if end.code is None else end.code if isinstance(end.code, int) else 1
    except BaseException:
        traceback.print_exc()
        status = 1
    import atexit

    atexit._run_exitfuncs()
    sys.stdout.flush()
    sys.stderr.flush()
    return status


def main():
    sys.modules.pop("sitecustomize", None)  # the system's
    waking, wake = os.pipe()
    os.set_blocking(wake, False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    signal.set_wakeup_fd(wake)
    tell(ready=torch.__version__)
    running, text = {}, b""
    while True:
        readable, _, _ = select.select([0, waking], [], [])
        if waking in readable:
            os.read(waking, 4096)
        if 0 in readable:
            more = os.read(0, 1 << 20)
            if not more:
                return
            text += more
            *lines, text = text.split(b"\n")
            for line in lines:
                request = json.loads(line)
                pid = os.fork()
                if pid == 0:
                    os._exit(run(request) & 0xFF)
                running[pid] = request["id"]
                tell(id=request["id"], pid=pid)
        while running:
            pid, status = os.waitpid(-1, os.WNOHANG)
            if pid == 0:
                break
            if pid in running:
                tell(id=running.pop(pid), status=os.waitstatus_to_exitcode(status), ended=True)


main()
