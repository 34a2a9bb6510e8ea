"""The jobs that cron runs in a deployment: `purge_tokens` and `rotate_keys`, here every few seconds."""

import time

from project.drill.caller import Caller
from project.drill.ledger import Job
from project.launch.processes import Failed

JOBS = ("purge_tokens", "rotate_keys")
EVERY = 15.0
"""Seconds from the end of one turn to the next. In a deployment they are hours."""


class Scheduler(Caller):
    """A thread that runs the scheduled jobs, one after another, until the drill ends.

    Each job is a process with the environment of an issuer.
    """

    name = "jobs"
    pause = EVERY

    def turn(self) -> None:
        """Run each job once, and record how it ended."""
        for name in JOBS:
            begun = time.time()
            error = self.error_of(name)
            self.world.wallet.ledger.jobs.append(Job(name, begun, time.time(), error))

    def error_of(self, name: str) -> str:
        """Run the job `name`. Return "" if the job succeeded, else the last line that it printed."""
        try:
            self.world.topology.command(name)
        except Failed as failed:
            return str(failed).splitlines()[-1].strip()
        return ""
