"""The dashboard at the start of the admin: keys, revocation feed, tokens and refusals of the day, and jobs.

- Each number comes from one bounded read. Nothing counts the rows of a long table.
- An administrator who may view key rings sees keys, feed and jobs. An administrator who may view the audit trail sees
  tokens and refusals.
- The counts of tokens and refusals come from tokens/audit/tally.py, which writes them in batches. They are complete up
  to the last batch.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.utils import timezone

from tokens import conf
from tokens.admin.refusal_reason import translated_reason
from tokens.audit import jobs, tally
from tokens.checks import key_health
from tokens.checks.key_health import Problem
from tokens.encryption import MalformedEncryptionKey
from tokens.keys import adoption, store
from tokens.keys.rules import lifecycle
from tokens.keys.rules.timeline import next_step
from tokens.models import GrantType, JobRun
from tokens.models.key import Ring
from tokens.page_text import translated
from tokens.revoking import feed_log

SHOWN = 10
"""The number of reasons and grant types that are listed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RingState:
    """The state of a key ring: the next step of its rotation, and whether the next signing key (the standby) exists."""

    pk: int
    name: str
    step: str
    step_at: datetime | None
    has_standby: bool
    overdue: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedState:
    """The state of the revocation feed: the number of its entries, and when an API last read the feed."""

    entries: int
    polled_at: datetime | None


def panels(request: HttpRequest) -> dict[str, object]:
    """Return the template's variables for the panels that the administrator may see."""
    now, user = store.database_now(), request.user
    shown: dict[str, object] = {"now": now}
    if user.has_perm("tokens.view_ring"):
        shown |= {"rings": rings(now), "problems": problems(), "jobs": jobs.states(now=now), "feed": feed()}
    if user.has_perm("tokens.view_auditevent"):
        shown |= {
            "issued": [(_grant_name(name), number) for name, number in _today(now, tally.ISSUED)],
            "refused": [(translated_reason(name), number) for name, number in _today(now, "token.refused")],
        }
    return shown


def rings(now: datetime) -> list[RingState]:
    """Return the state of each key ring."""
    return [_ring(ring, now) for ring in Ring.objects.order_by("name")]


def _ring(ring: Ring, now: datetime) -> RingState:
    """Return the state of a key ring at `now`, with the next step of its rotation and the instant of that step."""
    keys, policy = [stored.key for stored in store.load(ring.name)], adoption.assumed(ring)
    step, at = next_step(keys, policy=policy, now=now) if keys else ("rotate_keys", None)
    return RingState(
        pk=ring.pk,
        name=ring.name,
        step=step,
        step_at=at,
        has_standby=bool(keys) and lifecycle.standby(keys) is not None,
        overdue=bool(keys) and lifecycle.overdue(keys, policy=policy, now=now),
    )


def problems() -> Sequence[Problem]:
    """Return the problems that `keys --check` reports, among them keys that cannot be decrypted."""
    settings = conf.issuer()
    try:
        keys = settings.encryption_keys()
    except MalformedEncryptionKey as error:
        return [Problem(code="cannot_open", ring="", message=translated(error))]
    return key_health.check(policy=settings.key_policy, encryption_keys=keys, now=timezone.now())


def feed() -> FeedState:
    """Return the state of the revocation feed."""
    polled = JobRun.objects.filter(name=jobs.POLLED).values_list("ended_at", flat=True).first()
    return FeedState(entries=feed_log.size().entries, polled_at=polled)


def _today(now: datetime, action: str) -> list[tuple[str, int]]:
    return tally.of_day(now.date(), action, limit=SHOWN)


def _grant_name(name: str) -> str:
    return str(dict(GrantType.choices).get(name, name))


_index = admin.site.index


def index(request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
    """Serve Django's start page with the dashboard."""
    return _index(request, {**(extra_context or {}), "dashboard": panels(request)})


admin.site.index = index  # type: ignore[method-assign,assignment]
admin.site.index_template = "admin/tokens/index.html"
