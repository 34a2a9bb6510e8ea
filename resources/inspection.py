"""What an issuer publishes, seen with the eyes of this API: every key with its verdict and why."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from resources.fetch import FetchError
from resources.issuers import Trust, clock
from resources.jwk import Verdict
from resources.keyset import PinnedKeys


@dataclass(frozen=True, slots=True)
class Report:
    """One issuer's answer; `problem` says why there is none."""

    issuer: str
    jwks_url: str = ""
    verdicts: Sequence[Verdict] = field(default_factory=tuple)
    problem: str = ""

    @property
    def usable(self) -> bool:
        """Whether a token of this issuer can be verified at all."""
        return any(verdict.key for verdict in self.verdicts)

    def lines(self) -> Iterator[str]:
        """The report for people."""
        yield f"{self.issuer}  {self.jwks_url}".rstrip()
        if self.problem:
            yield f"  no keys: {self.problem}"
        for verdict in self.verdicts:
            if verdict.key:
                yield f"  usable   {verdict.kid}  {', '.join(sorted(verdict.key.algorithms))}"
            else:
                yield f"  {'LEAKED  ' if verdict.secret else 'not used'} {verdict.kid or '(no kid)'}  {verdict.problem}"

    def document(self) -> dict[str, Any]:
        """The report for scripts."""
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
            "keys": keys,
        }


def inspect(trust: Trust) -> Report:
    """Fetch what `trust`'s issuer publishes now, past every cache."""
    if isinstance(trust.keys, PinnedKeys):
        return Report(trust.issuer.url, "(pinned)", trust.keys.verdicts)
    discovery = trust.discovery
    try:
        url = discovery.jwks_url or discovery.address("jwks_uri", until=clock() + discovery.deadline)
        fetched = discovery(etag="", forced=True)
    except FetchError as error:
        return Report(trust.issuer.url, discovery.jwks_url, problem=str(error))
    return Report(trust.issuer.url, url, fetched.verdicts or ())
