"""A report on an issuer's published keys. It says for each key whether this API can use it, and if not, why."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from ..jose.jwk import Verdict
from ..keysets.discovery import Discovery
from ..keysets.key_pins import PinnedKeys
from ..outbound.fetch import FetchError
from .trusts import Trust, clock


@dataclass(frozen=True, slots=True)
class Report:
    """The report on one issuer. `problem` says why the keys could not be fetched, or is ""."""

    issuer: str
    jwks_url: str = ""
    verdicts: Sequence[Verdict] = field(default_factory=tuple)
    problem: str = ""
    audience_problem: str = ""
    """The reason why the issuer's tokens do not name this API as their audience, or "" if none was found."""

    @property
    def usable(self) -> bool:
        """Return True if there is a usable key, and the audience has no problem (`audience_problem`)."""
        return any(verdict.key for verdict in self.verdicts) and not self.audience_problem

    def lines(self) -> Iterator[str]:
        """Yield the report as lines of readable text."""
        yield f"{self.issuer}  {self.jwks_url}".rstrip()
        if self.problem:
            yield f"  no keys: {self.problem}"
        if self.audience_problem:
            yield f"  audience: {self.audience_problem}"
        for verdict in self.verdicts:
            if verdict.key:
                yield f"  usable   {verdict.kid}  {', '.join(sorted(verdict.key.algorithms))}"
            else:
                yield f"  {'LEAKED  ' if verdict.secret else 'not used'} {verdict.kid or '(no kid)'}  {verdict.problem}"

    def document(self) -> dict[str, Any]:
        """Return the report for scripts, as JSON values."""
        keys = [
            {
                "kid": verdict.kid,
                "usable": verdict.key is not None,
                "algorithms": sorted(verdict.key.algorithms) if verdict.key else [],
                "problem": verdict.problem,
                "leaked": verdict.secret,
            }
            for verdict in self.verdicts
        ]
        return {
            "issuer": self.issuer,
            "jwks_url": self.jwks_url,
            "usable": self.usable,
            "problem": self.problem,
            "audience_problem": self.audience_problem,
            "keys": keys,
        }


def inspect(trust: Trust, *, audience: Collection[str]) -> Report:
    """Fetch the issuer's metadata and keys now, bypassing every cache, and return a report.

    `audience` has the identifiers of this API. Pinned keys are reported without a fetch.
    """
    if isinstance(trust.keys, PinnedKeys):
        return Report(trust.issuer.url, "(pinned)", trust.keys.verdicts)
    discovery = trust.discovery
    try:
        url = discovery.jwks_url or discovery.address("jwks_uri", until=clock() + discovery.deadline)
        fetched = discovery(etag="", forced=True)
    except FetchError as error:
        return Report(trust.issuer.url, discovery.jwks_url, problem=str(error))
    return Report(
        trust.issuer.url, url, fetched.verdicts or (), audience_problem=_audience_problem(discovery, audience)
    )


def _audience_problem(discovery: Discovery, audience: Collection[str]) -> str:
    """Return an error text if an identifier in the issuer's metadata differs from this API's only in the final slash.

    `audience` has the identifiers of this API. For example, `audience` has https://api.example, but the metadata lists
    https://api.example/.

    Returns "" if there is no such difference, or if the metadata lists no identifier or cannot be fetched. RFC 9728
    section 4 does not require the issuer to list any identifier.
    """
    try:
        listed = discovery.resources(until=clock() + discovery.deadline)
    except FetchError:
        return ""
    for own in audience:
        near = [name for name in listed if name.rstrip("/") == own.rstrip("/")]
        if near and own not in near:
            return f"the issuer lists {near[0]!r}, the settings name {own!r}; they differ by the slash at the end"
    return ""
