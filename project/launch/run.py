"""`make run`: serve issuer, API and example application, and walk through the seven steps once.

With `--once` (`make demo`), stop after the walk, and exit 0 only if every step succeeded.
"""

import argparse
import os
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

from project.launch import environment, folder_lock, ports, processes, walk
from project.launch.environment import VAR, Environments, LostEnvironment, Variables
from project.launch.ports import PortRefused, Ports
from project.launch.processes import Child, Failed
from tokens.keys.rules.policy import POLICIES

READY = {"issuer": "/readyz", "api": "/healthz", "webapp": "/healthz"}
LOOK_EVERY = 0.2  # seconds
AUTHLIB_LEEWAY = 60  # seconds; the default of its OAuth2Session


class Stopped(Exception):
    """Raised if the user presses Ctrl-C, or the process receives SIGTERM."""


def main() -> None:
    """Run until Ctrl-C or SIGTERM.

    Exits with 1 and a message if a port cannot be used, a database's secrets are missing, another `make run` uses the
    folder, or a process fails.
    """
    parser = argparse.ArgumentParser(prog="make run", description=__doc__)
    parser.add_argument("--once", action="store_true", help="walk the seven steps, then stop")
    options = parser.parse_args()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _stop)
    try:
        run(once=options.once)
    except (PortRefused, LostEnvironment, Failed, folder_lock.AlreadyRunning) as error:
        sys.exit(str(error))
    except Stopped:
        print("\nStopped.", flush=True)


def run(*, once: bool) -> None:
    """Prepare the databases, start the processes, print the seven steps, and serve until stopped.

    Raises PortRefused if a port is taken, LostEnvironment if the secrets for a database are missing, AlreadyRunning if
    another `make run` uses the folder, and Failed if a command fails.
    """
    process_ports = ports.from_environment(os.environ)
    ports.probe(process_ports)
    with folder_lock.hold(VAR):
        variables = environment.prepare(process_ports, os.environ)
        prepare_databases(variables, process_ports, VAR)
        with started(variables, process_ports, VAR) as children:
            if not walk.walk(process_ports, variables.demo) and once:
                raise Failed("A step failed.")
            if not once:
                print(addresses(process_ports, variables), flush=True)
                watch(children)


def prepare_databases(variables: Environments, process_ports: Ports, var: Path) -> None:
    """Migrate both databases, and create the first key and the demo's users and clients.

    Raises Failed if a command fails.
    """
    print("Preparing databases, the first signing key and the demo's users and clients ...", flush=True)
    processes.command(variables.api, "migrate", "--verbosity", "0")
    processes.command(variables.issuer, "migrate", "--verbosity", "0")
    processes.command(variables.issuer, "rotate_keys")
    processes.command(
        variables.issuer,
        "demo_setup",
        *("--credentials", str(var / "demo.env")),
        *("--api-audience", variables.webapp["API_AUDIENCE"]),
        *("--api-url", process_ports.url("api")),
        *("--webapp-url", process_ports.url("webapp")),
    )


@contextmanager
def started(variables: Environments, process_ports: Ports, var: Path) -> Iterator[list[Child]]:
    """Start the three servers and wait until each is ready. Stop them at the end of the block, even after an error."""
    children: list[Child] = []
    try:
        for name in READY:
            children += [processes.start(name, getattr(variables, name), url=process_ports.url(name), var=var)]
        for child in children:
            processes.wait_until_ready(child, READY[child.name])
        yield children
    finally:
        with signals_ignored():  # a second Ctrl-C must not leave a process behind
            processes.stop(children)


@contextmanager
def signals_ignored() -> Iterator[None]:
    """Ignore Ctrl-C and SIGTERM in the block."""
    handlers = {number: signal.signal(number, signal.SIG_IGN) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in handlers.items():
            signal.signal(number, handler)


def watch(children: list[Child]) -> None:
    """Wait until one of the children ends, and raise Failed. Never returns."""
    while True:
        for child in children:
            if child.process.poll() is not None:
                raise Failed(
                    f"The {child.name} process ended, so all are stopped. Its last output:\n{child.last_words()}"
                )
        time.sleep(LOOK_EVERY)


def addresses(process_ports: Ports, variables: Environments) -> str:
    """Return the text with the addresses that a user can open, and the names and passwords of the demo."""
    return f"""
Application   {process_ports.url("webapp")}    log in as demo, password {variables.demo["DEMO_PASSWORD"]}
The flow      {process_ports.url("webapp")}/flow/    the seven steps as a picture, filled in by what you do
Issuer admin  {process_ports.url("issuer")}/admin/    log in as admin, password {variables.demo["ADMIN_PASSWORD"]}
API           {process_ports.url("api")}/api/docs/
JWKS          {process_ports.url("issuer")}/.well-known/jwks.json
{short_tokens(variables.issuer)}\
No cron job runs here, so the admin shows rotate_keys and purge_tokens as overdue until you run them with manage.py.
Logs and databases are under var/. Ctrl-C stops all three; `make reset` deletes everything."""


def short_tokens(issuer: Variables) -> str:
    """Return a warning if access tokens are valid for at most AUTHLIB_LEEWAY seconds, else ""."""
    pairs = (entry.partition("=") for entry in issuer.get("KEY_TIMINGS", "").split(","))
    timings = {name.strip(): seconds for name, _, seconds in pairs}
    lifetime = float(timings.get("token_lifetime", POLICIES[issuer["KEY_POLICY"]].token_lifetime.total_seconds()))
    if lifetime > AUTHLIB_LEEWAY:
        return ""
    return (
        f"Access tokens live for {lifetime:g} s. Authlib treats a token as expired {AUTHLIB_LEEWAY} s before its end:"
        " give its client leeway=5,\nor start with KEY_TIMINGS=token_lifetime=120.\n"
    )


def _stop(_number: int, _frame: FrameType | None) -> None:
    raise Stopped


if __name__ == "__main__":
    main()
