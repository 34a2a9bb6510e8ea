"""`keys`: show each ring of signing keys as a timeline, check the rings, or write the public keys as PEM files."""

import json
from argparse import ArgumentParser
from dataclasses import asdict
from datetime import datetime
from typing import Any

from django.core.management.base import CommandError
from django.core.serializers.json import DjangoJSONEncoder
from django.utils import timezone

from tokens import conf
from tokens.checks import key_health
from tokens.keys import adoption, keyring, pem_folder, publication, store
from tokens.keys.rules.moves import DEFAULT_RING
from tokens.keys.rules.timeline import Line, next_step, timeline
from tokens.management.arguments import file_path
from tokens.management.exit_codes import KEY_UNUSABLE, UNSAFE, USAGE
from tokens.management.operator_command import KeyCommand
from tokens.models.key import Ring

WIDTH = 60
"""The number of characters of a timeline."""
MARKS = {"announced": "·", "signing": "█", "retired": "▒", "withdrawn": " ", "revoked": "x", "cancelled": " "}


class Command(KeyCommand):
    """Prints the timeline or the problems of each key ring, or writes the public keys as PEM files."""

    help = (
        "Show the signing keys as a timeline, check them for overdue, undecryptable and missing keys, or write the"
        " public keys of the JWKS as PEM files."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Add the options of this command to `parser`."""
        parser.add_argument("--ring", help="only this ring")
        what = parser.add_mutually_exclusive_group()
        what.add_argument(
            "--check", action="store_true", help="print the problems, and exit with 3 or 5 if there are any"
        )
        what.add_argument(
            "--pem",
            type=file_path,
            metavar="FOLDER",
            help="write each public key of the JWKS as a PEM file that is named by its kid, and remove the files of"
            " other public keys from the folder; prints what changed, and nothing if nothing did (from cron, hourly)",
        )
        parser.add_argument("--json", action="store_true", help="print one JSON object")

    def handle(self, *_args: Any, **options: Any) -> None:
        """Print the timelines or the problems of the key rings, or write the PEM files."""
        action = self._check if options["check"] else self._write_pem if options["pem"] is not None else self._show
        action(options)

    def _write_pem(self, options: dict[str, Any]) -> None:
        """Write each public key of the JWKS as a PEM file, and print what changed.

        Raises CommandError if the folder cannot be used, and NotReady if the JWKS cannot be published.
        """
        now = keyring.clock(now=timezone.now())
        try:
            change = pem_folder.update(options["pem"], publication.jwks(options["ring"] or DEFAULT_RING, now=now))
        except OSError as error:
            raise CommandError(f"{options['pem']} cannot be used: {error.strerror}", returncode=USAGE) from error
        if options["json"]:
            self.stdout.write(json.dumps(asdict(change)))
        elif lines := change.lines():
            self.stdout.write("\n".join(lines))

    def _check(self, options: dict[str, Any]) -> None:
        """Check the key rings and the settings. Prints notes about changes that are not complete yet.

        Raises CommandError if the key rings or the settings have problems.
        """
        settings, ring = conf.issuer(), options["ring"]
        if ring not in (None, DEFAULT_RING) and not Ring.objects.filter(name=ring).exists():
            raise CommandError(f"there is no ring {ring!r}; for a list, run manage.py keys", returncode=USAGE)
        every = key_health.check(
            policy=settings.key_policy, encryption_keys=settings.encryption_keys(), now=timezone.now()
        )
        findings = [finding for finding in every if ring is None or finding.ring in ("", ring)]
        problems = [finding for finding in findings if not finding.waits]
        if options["json"]:
            self.stdout.write(json.dumps({"problems": [asdict(finding) for finding in findings]}))
        else:
            notes = [f"note: {finding.message}" for finding in findings if finding.waits]
            self.stdout.write("\n".join([*notes, *([] if problems else ["the signing keys are healthy"])]))
        if problems:
            lines = [f"{problem.ring or 'settings'}: {problem.message}" for problem in problems]
            code = KEY_UNUSABLE if any(problem.closed for problem in problems) else UNSAFE
            raise CommandError("\n".join(lines), returncode=code)

    def _show(self, options: dict[str, Any]) -> None:
        """Print the timeline of each key ring, or of the ring that `--ring` names, as text or as JSON.

        Raises CommandError if there is no such ring.
        """
        rings = Ring.objects.order_by("name")
        rings = rings.filter(name=options["ring"]) if options["ring"] else rings
        if not rings:
            raise CommandError(
                "there is no such ring; to create the first key, run manage.py rotate_keys", returncode=USAGE
            )
        timelines = [_timeline(ring, store.database_now()) for ring in rings]
        if options["json"]:
            self.stdout.write(json.dumps({"rings": [_json(*item) for item in timelines]}, cls=DjangoJSONEncoder))
            return
        for ring, lines, step, now in timelines:
            self.stdout.write(f"ring {ring.name} ({ring.algorithm}), now {now:%Y-%m-%d %H:%M:%S} UTC")
            for line in lines:
                self.stdout.write(f"  {line.kid[:12]:12} {line.phase:9} |{_bar(line, lines, now)}|{_dates(line)}")
            self.stdout.write(f"  next: {step[0]}, {step[1]:%Y-%m-%d %H:%M:%S} UTC")
        self.stdout.write("  · announced  █ signing  ▒ retired  x revoked  ^ now")


RingTimeline = tuple[Ring, tuple[Line, ...], tuple[str, datetime], datetime]
"""A key ring, its keys, its next step with the time of the step, and the current time."""


def _timeline(ring: Ring, now: datetime) -> RingTimeline:
    keys, policy = [stored.key for stored in store.load(ring.name)], adoption.assumed(ring)
    return ring, timeline(keys, policy=policy, now=now), next_step(keys, policy=policy, now=now), now


def _json(ring: Ring, lines: tuple[Line, ...], step: tuple[str, datetime], now: datetime) -> dict[str, Any]:
    return {
        "ring": ring.name,
        "algorithm": ring.algorithm,
        "now": now,
        "next": {"step": step[0], "at": step[1]},
        "policy": ring.policy,
        "keys": [asdict(line) for line in lines],
    }


def _bar(line: Line, lines: tuple[Line, ...], now: datetime) -> str:
    """Return the timeline of one key as WIDTH characters, each of which shows the phase of the key at an instant.

    All keys of the ring (`lines`) have the same scale, from the first to the last of their dates. "^" marks `now`.
    """
    instants = [now] + [at for other in lines for part in other.stretches for at in (part.start, part.end) if at]
    first, span = min(instants), max((max(instants) - min(instants)).total_seconds(), 1.0)
    cells = [" "] * WIDTH
    for part in line.stretches:
        start = int((part.start - first).total_seconds() / span * (WIDTH - 1))
        end = WIDTH if part.end is None else int((part.end - first).total_seconds() / span * (WIDTH - 1))
        cells[start : max(end, start + 1)] = MARKS[part.phase] * (max(end, start + 1) - start)
    cells = cells[:WIDTH]
    cells[int((now - first).total_seconds() / span * (WIDTH - 1))] = "^"
    return "".join(cells)


def _dates(line: Line) -> str:
    at, flush = line.last_token_expires_at, line.flush_at
    expires = f"  last token expires {at:%Y-%m-%d %H:%M:%S} UTC" if at else ""
    return f"{expires}  flush {flush:%Y-%m-%d %H:%M:%S} UTC" if flush else expires
