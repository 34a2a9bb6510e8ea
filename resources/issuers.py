"""The issuers that this API trusts, with their keys: one set per process, made on first use from the settings."""

import logging
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import cache
from typing import Any

from django.core.exceptions import ImproperlyConfigured
from django.core.signals import setting_changed

from resources.conf import IssuerSettings, ResourceServer, resource_server
from resources.discovery import DEFAULT_RING, Discovery, FeedAddress, read_jwks
from resources.feed_follower import Follower, Policy
from resources.jwk import FAMILIES
from resources.keyset import KeySet, PinnedKeys
from resources.poller import Poller
from resources.refusals import Refusals
from resources.verify import TrustedIssuer

logger = logging.getLogger(__name__)


def clock() -> float:
    """Seconds that never go back, and that pass while the machine sleeps: keys must not live longer for it."""
    return time.clock_gettime(_CLOCK)


def time_of_day() -> datetime:
    """Return the current time, for the poller, which has no request."""
    return datetime.fromtimestamp(time.clock_gettime(time.CLOCK_REALTIME), UTC)


_CLOCK = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)


@dataclass(frozen=True, slots=True)
class Trust:
    """Everything that this process keeps about one issuer."""

    issuer: TrustedIssuer
    keys: KeySet | PinnedKeys
    discovery: Discovery
    follower: Follower | None
    poller: Poller[Follower] | None

    def ready(self) -> bool:
        """True if revocations are known and there are keys to verify with. Tries to fetch missing keys once."""
        if self.poller:
            self.poller.start()
        return self.keys.ready() and (self.follower is None or self.follower.is_ready())

    def status(self) -> dict[str, Any]:
        """How its keys are, and its revocation feed if that is followed."""
        feed = {"revocations": self.follower.status()} if self.follower else {}
        return {**self.keys.status(), **feed}


@cache
def trusts() -> Mapping[str, Trust]:
    """The trusted issuers by URL. Raises ImproperlyConfigured where the settings would trust nothing or too much."""
    conf = resource_server()
    if not conf.issuers or not conf.audience:
        raise ImproperlyConfigured("RESOURCE_SERVER needs at least one entry in ISSUERS and one in AUDIENCE.")
    return {issuer.url: _trust(issuer, conf) for issuer in conf.issuers}


@cache
def trusted() -> Mapping[str, TrustedIssuer]:
    """What verification needs of them."""
    return {url: trust.issuer for url, trust in trusts().items()}


def _trust(settings: IssuerSettings, conf: ResourceServer) -> Trust:
    if unknown := settings.algorithms - FAMILIES.keys():
        raise ImproperlyConfigured(f"RESOURCE_SERVER['ALGORITHMS'] may not hold {', '.join(sorted(unknown))}.")
    own = keys(settings, conf)
    refused = Refusals(kids=conf.denied_kids, tokens=conf.denied_tokens, hook=_closed(conf.deny) if conf.deny else None)
    if not settings.revocations_url:
        issuer = TrustedIssuer(settings.url, settings.algorithms, own, lambda _now: refused)
        return Trust(issuer, own, discovery(settings, conf), None, None)
    follower = _follower(settings, conf, own, refused)
    poller = Poller(follower, Follower.poll, name="resources-revocations")
    issuer = TrustedIssuer(settings.url, settings.algorithms, own, _followed(follower, poller))
    return Trust(issuer, own, discovery(settings, conf), follower, poller)


def _followed(follower: Follower, poller: Poller[Follower]) -> Callable[[datetime], Refusals]:
    """Return the function that looks up refusals. Its first call in a process starts the poller."""

    def refusals(now: datetime) -> Refusals:
        poller.start()
        return follower.refusals(now)

    return refusals


def _follower(settings: IssuerSettings, conf: ResourceServer, own: KeySet | PinnedKeys, refused: Refusals) -> Follower:
    address = FeedAddress(settings.revocations_url, clock, conf.timing.deadline, conf.allow_http)
    # A feed is signed by its ring. An API that pins other keys needs those of the default ring for the default feed.
    by_default = bool(settings.jwks_url) and address.ring == DEFAULT_RING
    signers = keys(replace(settings, jwks_url=""), conf) if by_default else own
    return Follower(
        address,
        TrustedIssuer(settings.url, settings.algorithms, signers),
        Policy(
            every=conf.revocations_every,
            late_after=conf.revocations_late_after,
            refuse_when_late=conf.refuse_when_late,
            longest_backoff=conf.timing.longest_backoff,
        ),
        ring=address.ring,
        clock=clock,
        wall=time_of_day,
        sleep=time.sleep,
        own=refused,
    )


def _closed(hook: Callable[[str, Mapping[str, Any]], bool]) -> Callable[[str, Mapping[str, Any]], bool]:
    """`hook`, denying whatever it fails on."""

    def deny(kid: str, claims: Mapping[str, Any]) -> bool:
        try:
            return bool(hook(kid, claims))
        except Exception:
            logger.exception("RESOURCE_SERVER['DENY'] failed: the token is refused")
            return True

    return deny


def keys(issuer: IssuerSettings, conf: ResourceServer) -> KeySet | PinnedKeys:
    """A new set of this issuer's keys: pinned ones, or those behind its JWKS URL."""
    if issuer.pinned_jwks:
        return PinnedKeys(read_jwks(issuer.pinned_jwks, algorithms=issuer.algorithms))
    return KeySet(discovery(issuer, conf), clock=clock, timing=conf.timing)


def discovery(issuer: IssuerSettings, conf: ResourceServer) -> Discovery:
    """The way to this issuer's documents."""
    return Discovery(
        issuer.url,
        issuer.algorithms,
        clock=clock,
        deadline=conf.timing.deadline,
        allow_http=conf.allow_http,
        jwks_url=issuer.jwks_url,
    )


def _reload(*, setting: str, **_: Any) -> None:
    if setting == "RESOURCE_SERVER":
        trusts.cache_clear()
        trusted.cache_clear()


setting_changed.connect(_reload)
