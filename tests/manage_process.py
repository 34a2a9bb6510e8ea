"""Runs `manage.py` commands in a process that stays, unlike `project.launch.processes.command`.

Starting Django takes two seconds of CPU. A test that runs a command between requests would wait for that each time.

- There is one process for each environment. It ends when this process ends, because that closes its stdin.
- At most PROCESSES of them stay: the one that was used longest ago is ended first.
- The process runs `manage.main`, so arguments, output and exit codes are those of the shell.
"""

import atexit
import json
import os
import subprocess
import sys
from collections import OrderedDict

from project.launch.environment import ROOT, Variables
from project.launch.processes import Failed, variables_for

PROCESSES = 4
SERVE = """
import contextlib, io, json, sys, traceback
import manage

sent = sys.stdout
for line in sys.stdin:
    out, err, code = io.StringIO(), io.StringIO(), 0
    sys.argv = ["manage.py", *json.loads(line)]
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        try:
            manage.main()
        except SystemExit as ended:
            code = ended.code or 0
            if isinstance(code, str):
                code = print(code, file=err) or 1
        except Exception:
            code = 1
            traceback.print_exc()
    print(json.dumps([code, out.getvalue(), err.getvalue()]), file=sent, flush=True)
"""

_processes: "OrderedDict[frozenset[tuple[str, str]], subprocess.Popen[str]]" = OrderedDict()
"""The processes of this test process by their environments, the last used one last."""


def command(variables: Variables, *arguments: str) -> str:
    """Run `manage.py` with these environment variables in the process that stays for them, and return its output.

    Raises Failed if the command exits with an error.
    """
    process = _process(variables)
    assert process.stdin
    assert process.stdout
    process.stdin.write(json.dumps(arguments) + "\n")
    process.stdin.flush()
    answer = process.stdout.readline()
    if not answer:
        raise Failed(f"manage.py {arguments[0]} ended its process")
    code, output, errors = json.loads(answer)
    if code:
        raise Failed(f"manage.py {arguments[0]} failed:\n{errors or output}".rstrip())
    return str(output)


def _process(variables: Variables) -> "subprocess.Popen[str]":
    key = frozenset(variables.items())
    process = _processes.pop(key, None)
    if process is None or process.poll() is not None:
        process = subprocess.Popen(
            [sys.executable, "-c", SERVE],
            cwd=ROOT,
            env=variables_for(variables, os.environ),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
    _processes[key] = process
    while len(_processes) > PROCESSES:
        _end(_processes.popitem(last=False)[1])
    return process


@atexit.register
def _end_all() -> None:
    while _processes:
        _end(_processes.popitem()[1])


def _end(process: "subprocess.Popen[str]") -> None:
    assert process.stdin
    assert process.stdout
    process.stdin.close()
    process.wait(30)
    process.stdout.close()
