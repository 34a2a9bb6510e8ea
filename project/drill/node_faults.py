"""Faults of single issuers: a killed issuer, a restart with a migration, wrong clocks, a wrong encryption key."""

import os
import signal
from pathlib import Path

from project.drill.fault_window import ENDS, UNAVAILABLE, Drill
from project.drill.servers import Missing

WITHIN, BEYOND = 3, 90
"""Seconds by which clocks are wrong: less and more than the clock_error of 5 s."""
NGINX_TRIES_AGAIN = 2.5
"""Seconds after which nginx sends requests to a restarted node again: `fail_timeout` of deploy/nginx/upstreams.conf."""
SCHEMA = (
    "SET lock_timeout = '2s'",
    "ALTER TABLE tokens_usergrant ADD COLUMN drill integer NULL",
    "ALTER TABLE tokens_refreshtoken ADD COLUMN drill varchar(20) NOT NULL DEFAULT ''",
    "CREATE INDEX CONCURRENTLY drill_grants ON tokens_usergrant (created_at)",
)
"""A migration as in a release. Under load, it adds columns and an index to tables that every refresh writes."""


def killed_issuer(drill: Drill) -> None:
    """Kill an issuer with its workers, and start it again after three seconds."""
    with drill.window("kill -9 of an issuer", excuses=ENDS):
        child = drill.world.topology.children.pop("issuer-one")
        os.kill(child.process.pid, signal.SIGKILL)
        child.process.wait()
        drill.hold(3)
        drill.world.topology.start("issuer-one")


def rolling_restart(drill: Drill) -> None:
    """Restart both issuers one after the other, with a migration in between."""
    with drill.window("rolling restart with a migration", excuses=ENDS):
        drill.restart("issuer-one")
        drill.world.topology.postgresql.execute(*SCHEMA, database="keyturn")
        drill.world.topology.command("migrate", "--verbosity", "0")
        drill.hold(NGINX_TRIES_AGAIN)
        drill.restart("issuer-two")


def clocks_within(drill: Drill) -> None:
    """Make the clock of one issuer fast and of the other slow, both by less than the setting clock_error."""
    with drill.window(f"clocks +{WITHIN} s and -{WITHIN} s", excuses=ENDS):
        drill.restart("issuer-one", **_clock(WITHIN))
        drill.hold(NGINX_TRIES_AGAIN)
        drill.restart("issuer-two", **_clock(-WITHIN))
        drill.hold(4)


def clocks_beyond(drill: Drill) -> None:
    """Make the clock of one issuer wrong by more than the setting clock_error. This issuer must answer 503."""
    for seconds in (BEYOND, -BEYOND):
        excuses = ENDS | UNAVAILABLE
        with drill.window(f"clock {seconds:+} s on one node", excuses=excuses, expects=frozenset({"token:503"})):
            drill.restart("issuer-two", **_clock(seconds))
            drill.hold(4)
            drill.restart("issuer-two")


def _clock(seconds: int) -> dict[str, str]:
    libraries = sorted(Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1"))
    if not libraries:
        raise Missing("libfaketime is missing: install Debian's faketime")
    return {"LD_PRELOAD": str(libraries[0]), "FAKETIME": f"{seconds:+}s", "FAKETIME_DONT_FAKE_MONOTONIC": "1"}


def wrong_key(drill: Drill) -> None:
    """Restart one issuer with KEY_ENCRYPTION_KEYS that cannot decrypt any key."""
    excuses, expects = ENDS | UNAVAILABLE, frozenset({"token:503"})
    with drill.window("wrong KEY_ENCRYPTION_KEYS on one node", excuses=excuses, expects=expects):
        drill.restart("issuer-two", KEY_ENCRYPTION_KEYS="w" * 43)
        drill.hold(4)
        drill.restart("issuer-two")
