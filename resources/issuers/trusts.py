"""The trusted issuers of this process, with their keys and revocation feeds.

Each process makes its own objects from the settings at the first use. They live as long as the process, or until a test
overrides RESOURCE_SERVER.
"""

import logging
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import cache
from typing import Any

from django.core.exceptions import ImproperlyConfigured
from django.core.signals import setting_changed

from ..conf import ResourceServer, resource_server
from ..feed.feed_address import DEFAULT_RING, FeedAddress
from ..feed.feed_follower import Follower
from ..feed.feed_source import Policy, Time
from ..issuer_trust import TrustedIssuer
from ..jose.jwk import FAMILIES
from ..keysets.discovery import Discovery
from ..keysets.key_pins import PinnedKeys
from ..keysets.keyset import Fetch, Fetched, KeySet
from ..revocations.refusals import Refusals
from ..settings.issuer_settings import IssuerSettings
from ..telemetry import metrics
from .poller import Poller

logger = logging.getLogger(__name__)


def clock() -> float:
    """Return monotonic seconds. On Linux, they include the time in which the machine is suspended."""
    return time.clock_gettime(_CLOCK)


def time_of_day() -> datetime:
    """Return the current time for the background threads. Requests pass their own time."""
    return datetime.fromtimestamp(time.clock_gettime(time.CLOCK_REALTIME), UTC)


# CLOCK_BOOTTIME also counts the time in which the machine is suspended, so that no key is used for longer than allowed.
_CLOCK = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)


@dataclass(frozen=True, slots=True)
class Trust:
    """A trusted issuer, with the keys, the revocation feed and the poller that this process uses for it."""

    issuer: TrustedIssuer
    keys: KeySet | PinnedKeys
    discovery: Discovery
    follower: Follower | None
    poller: Poller[Follower] | None

    def ready(self) -> bool:
        """Return True if the keys and the revocation feed are usable. Tries at most once to fetch keys.

        A late feed is usable if the settings accept it.
        """
        if self.poller:
            self.poller.start()
        return self.keys.ready() and (self.follower is None or self.follower.is_ready())

    def status(self) -> dict[str, Any]:
        """Return the state of the keys, and of the revocation feed if it is followed."""
        feed = {"revocations": self.follower.status()} if self.follower else {}
        return {**self.keys.status(), **feed}


@cache
def trusts() -> Mapping[str, Trust]:
    """Return the trusted issuers by URL.

    Raises ImproperlyConfigured if the settings name no issuer, no audience, or an unknown algorithm.
    """
    conf = resource_server()
    if not conf.issuers or not conf.audience:
        raise ImproperlyConfigured("RESOURCE_SERVER must have at least one entry in ISSUERS and one in AUDIENCE.")
    return {issuer.url: _trust(issuer, conf) for issuer in conf.issuers}


@cache
def trusted_issuers() -> Mapping[str, TrustedIssuer]:
    """Return the trusted issuers by URL, as `verify` needs them."""
    return {url: trust.issuer for url, trust in trusts().items()}


def _trust(settings: IssuerSettings, conf: ResourceServer) -> Trust:
    """Return the Trust of an issuer, with its keys, and with a follower and a poller if it has a revocation feed.

    Without a feed, only the settings refuse tokens of the issuer. Raises ImproperlyConfigured if an algorithm is
    unknown.
    """
    if unknown := settings.algorithms - FAMILIES.keys():
        raise ImproperlyConfigured(f"RESOURCE_SERVER['ALGORITHMS'] must not contain {', '.join(sorted(unknown))}.")
    key_set = keys(settings, conf)
    hook = _fail_closed(conf.deny) if conf.deny else None
    refused = Refusals(kids=conf.denied_kids, tokens=conf.denied_tokens, hook=hook)
    if not settings.revocations_url:
        issuer = TrustedIssuer(settings.url, settings.algorithms, key_set, lambda _now: refused)
        return Trust(issuer, key_set, discovery(settings, conf), None, None)
    follower = _follower(settings, conf, key_set, refused)
    poller = Poller(follower, _observed_poll(settings.url), name="resources-revocations")
    issuer = TrustedIssuer(settings.url, settings.algorithms, key_set, _refusals(follower, poller))
    return Trust(issuer, key_set, discovery(settings, conf), follower, poller)


def _refusals(follower: Follower, poller: Poller[Follower]) -> Callable[[datetime], Refusals]:
    """Return the function from which `verify` gets the reasons to refuse tokens.

    The returned function starts the poller when a process calls it for the first time.
    """
    # The poller does not start at import, because the server can fork its workers later, without the parent's threads.

    def refusals(now: datetime) -> Refusals:
        poller.start()
        return follower.refusals(now)

    return refusals


def _observed_poll(issuer: str) -> Callable[[Follower], float]:
    """Return a function that calls `Follower.poll` and records metrics with the label `issuer`, the issuer's URL."""

    def poll(follower: Follower) -> float:
        failures = follower.status()["failures"]
        pause = follower.poll()
        status = follower.status()
        metrics.add(metrics.FEED_POLLS, issuer, "failed" if status["failures"] > failures else "read")
        for metric, value in metrics.poll_samples(status, now=time_of_day()):
            metrics.put(metric, value, issuer)
        return pause

    return poll


def _follower(
    settings: IssuerSettings, conf: ResourceServer, key_set: KeySet | PinnedKeys, refused: Refusals
) -> Follower:
    """Return a follower of the issuer's revocation feed. `refused` are the refusals that the settings configure."""
    address = FeedAddress(settings.revocations_url, clock, conf.timing.deadline, conf.dangerously_allow_http)
    # A feed is signed by its ring. An API with other keys needs the keys of the default ring for the default feed.
    by_default = bool(settings.jwks_url) and address.ring == DEFAULT_RING
    signers = keys(replace(settings, jwks_url=""), conf) if by_default else key_set
    return Follower(
        address,
        TrustedIssuer(settings.url, settings.algorithms, signers),
        Policy(
            every=conf.revocations_every,
            late_after=conf.revocations_late_after,
            refuse_when_late=conf.refuse_when_late,
            longest_backoff=conf.timing.longest_backoff,
        ),
        Time(clock=clock, time_of_day=time_of_day, sleep=time.sleep),
        ring=address.ring,
        configured=refused,
    )


def _fail_closed(hook: Callable[[str, Mapping[str, Any]], bool]) -> Callable[[str, Mapping[str, Any]], bool]:
    """Return a function that calls `hook`, and refuses the token if `hook` raises an error.

    `hook` is the function in RESOURCE_SERVER["DENY"]. It returns True to refuse a token.
    """

    def deny(kid: str, claims: Mapping[str, Any]) -> bool:
        try:
            return bool(hook(kid, claims))
        except Exception:
            logger.exception("The function in RESOURCE_SERVER['DENY'] failed, so the token is refused")
            return True

    return deny


def keys(issuer: IssuerSettings, conf: ResourceServer) -> KeySet | PinnedKeys:
    """Return a new set of this issuer's keys: the pinned keys, if any, else keys that are fetched from the JWKS."""
    if issuer.pinned_keys is not None:
        return PinnedKeys(issuer.pinned_keys)
    return KeySet(_observed_fetch(issuer.url, discovery(issuer, conf)), clock=clock, timing=conf.timing)


def _observed_fetch(issuer: str, fetch: Discovery) -> Fetch:
    """Return a function that calls `fetch` and records metrics with the label `issuer`, the issuer's URL."""

    def fetched(*, etag: str, forced: bool) -> Fetched:
        try:
            answer = fetch(etag=etag, forced=forced)
        except Exception:
            metrics.add(metrics.JWKS_FETCHES, issuer, "failed")
            raise
        result = "not_modified" if answer.verdicts is None else "read"
        metrics.add(metrics.JWKS_FETCHES, issuer, result)
        metrics.put(metrics.JWKS_FETCHED, time_of_day().timestamp(), issuer)
        if answer.verdicts is not None:
            metrics.put(metrics.JWKS_KEYS, len(answer.verdicts), issuer)
        return answer

    return fetched


def discovery(issuer: IssuerSettings, conf: ResourceServer) -> Discovery:
    """Return a new Discovery for this issuer."""
    return Discovery(
        issuer.url,
        issuer.algorithms,
        clock=clock,
        deadline=conf.timing.deadline,
        allow_http=conf.dangerously_allow_http,
        jwks_url=issuer.jwks_url,
    )


def _reload(*, setting: str, **_: Any) -> None:
    if setting == "RESOURCE_SERVER":
        trusts.cache_clear()
        trusted_issuers.cache_clear()


setting_changed.connect(_reload)
