"""Python code run in a process of its own that begins with torch imported: a fork of one process, which is started once."""

import atexit
import functools
import json
import os
import subprocess
import sys
from typing import NamedTuple

SERVER = """
import json, os, sys, traceback
from motornet_nb.fused import compiler, memory

for line in sys.stdin:
    code, arguments, environment = json.loads(line)
    pipes = [os.pipe(), os.pipe()]
    child = os.fork()
    if child == 0:
        for number, (_, end) in enumerate(pipes, 1):
            os.dup2(end, number)
        os.environ.clear()
        os.environ.update(environment)
        sys.argv, status = ["-c", *arguments], 0
        try:
            exec(compile(code, "<code>", "exec"), {"__name__": "__main__"})
        except BaseException:
            traceback.print_exc()
            status = 1
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)
    texts = []
    for begin, end in pipes:
        os.close(end)
        with open(begin) as file:
            texts.append(file.read())
    print(json.dumps([os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), *texts]), flush=True)
"""


class Ended(NamedTuple):
    "A process that has ended."

    returncode: int
    stdout: str
    stderr: str


@functools.cache
def _server(pid: int) -> subprocess.Popen:
    "The process that is forked, of this process."
    process = subprocess.Popen([sys.executable, "-c", SERVER], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def end():
        process.stdin.close()
        process.wait()

    atexit.register(end)
    return process


def run_python(
    code: str,  # to be run
    *arguments: str,  # its command line
) -> Ended:
    "Run code in a process of its own, in this environment."
    if not hasattr(os, "fork"):
        run = subprocess.run([sys.executable, "-c", code, *arguments], capture_output=True, text=True)
        return Ended(run.returncode, run.stdout, run.stderr)
    server = _server(os.getpid())
    server.stdin.write(json.dumps([code, arguments, dict(os.environ)]) + "\n")
    server.stdin.flush()
    return Ended(*json.loads(server.stdout.readline()))
