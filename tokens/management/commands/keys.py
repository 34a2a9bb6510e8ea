"""`keys`: the rings as a timeline, and whether all is well with them."""

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
from tokens.keys import adoption, store
from tokens.keys.rules.moves import DEFAULT_RING
from tokens.keys.rules.timeline import Line, next_step, timeline
from tokens.management.arguments import CLOSED, UNSAFE, USAGE, KeyCommand, exit_codes
from tokens.models.key import Ring

WIDTH = 60
MARKS = {"announced": "·", "signing": "█", "retired": "▒", "withdrawn": " ", "revoked": "x", "cancelled": " "}


class Command(KeyCommand):
    """Parses, reads, prints."""

    help = "Show the signing keys as a timeline, or check them: overdue, undecryptable, without a standby."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the options."""
        parser.add_argument("--ring", help="only this ring")
        parser.add_argument(
            "--check", action="store_true", help="print what is wrong, and exit with 3 or 5 if anything is"
        )
        parser.add_argument("--json", action="store_true", help="print one JSON object")

    def handle(self, *_args: Any, **options: Any) -> None:
        """Print the timeline or the problems."""
        with exit_codes():
            self._check(options) if options["check"] else self._show(options)

    def _check(self, options: dict[str, Any]) -> None:
        settings, ring = conf.issuer(), options["ring"]
        if ring not in (None, DEFAULT_RING) and not Ring.objects.filter(name=ring).exists():
            raise CommandError(f"there is no ring {ring!r}; manage.py keys lists them", returncode=USAGE)
        found = key_health.check(
            policy=settings.key_policy, encryption_keys=settings.encryption_keys(), now=timezone.now()
        )
        found = [one for one in found if ring is None or one.ring in ("", ring)]
        wrong = [one for one in found if not one.waits]
        if options["json"]:
            self.stdout.write(json.dumps({"problems": [asdict(one) for one in found]}))
        else:
            told = [f"note: {one.message}" for one in found if one.waits]
            self.stdout.write("\n".join([*told, *([] if wrong else ["the signing keys are well"])]))
        if wrong:
            told = [f"{one.ring or 'settings'}: {one.message}" for one in wrong]
            code = CLOSED if any(one.closed for one in wrong) else UNSAFE
            raise CommandError("\n".join(told), returncode=code)

    def _show(self, options: dict[str, Any]) -> None:
        rings = Ring.objects.order_by("name")
        rings = rings.filter(name=options["ring"]) if options["ring"] else rings
        if not rings:
            raise CommandError("there is no such ring; run manage.py rotate_keys for the first key", returncode=USAGE)
        shown = [_ring(ring, store.database_now()) for ring in rings]
        if options["json"]:
            self.stdout.write(json.dumps({"rings": [_json(*one) for one in shown]}, cls=DjangoJSONEncoder))
            return
        for ring, lines, step, now in shown:
            self.stdout.write(f"ring {ring.name} ({ring.algorithm}), now {now:%Y-%m-%d %H:%M:%S} UTC")
            for line in lines:
                self.stdout.write(f"  {line.kid[:12]:12} {line.phase:9} |{_bar(line, lines, now)}|{_dies(line)}")
            self.stdout.write(f"  next: {step[0]}, {step[1]:%Y-%m-%d %H:%M:%S} UTC")
        self.stdout.write("  · announced  █ signing  ▒ retired  x revoked  ^ now")


Shown = tuple[Ring, tuple[Line, ...], tuple[str, datetime], datetime]


def _ring(ring: Ring, now: datetime) -> Shown:
    keys, policy = [one.key for one in store.load(ring.name)], adoption.assumed(ring)
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
    """The key's phases over the ring's whole time, with the present marked."""
    instants = [now] + [at for one in lines for part in one.stretches for at in (part.start, part.end) if at]
    first, span = min(instants), max((max(instants) - min(instants)).total_seconds(), 1.0)
    cells = [" "] * WIDTH
    for part in line.stretches:
        start = int((part.start - first).total_seconds() / span * (WIDTH - 1))
        end = WIDTH if part.end is None else int((part.end - first).total_seconds() / span * (WIDTH - 1))
        cells[start : max(end, start + 1)] = MARKS[part.phase] * (max(end, start + 1) - start)
    cells = cells[:WIDTH]
    cells[int((now - first).total_seconds() / span * (WIDTH - 1))] = "^"
    return "".join(cells)


def _dies(line: Line) -> str:
    at, flush = line.last_token_dies_at, line.flush_at
    dies = f"  last token dies {at:%Y-%m-%d %H:%M:%S} UTC" if at else ""
    return f"{dies}  flush {flush:%Y-%m-%d %H:%M:%S} UTC" if flush else dies
