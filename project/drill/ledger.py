"""What the drill records: tokens, revocations, requests, uses at APIs, checks of writes, windows of faults. Pure.

All instants are Unix seconds by the drill's own clock, which no fault changes.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

OK = "ok"
REFUSED = "refused"
EXPECTED = "expected refusal"
"""A client repeated a request that the issuer has to refuse, such as a refresh of a revoked grant."""
CLEAN = "503"
"""503 with Retry-After."""
BARE = "503 without Retry-After"
GATEWAY = "502"
"""nginx had no issuer to ask, or the one that it asked was killed."""
UNANSWERED = "no answer"


@dataclass(frozen=True, slots=True)
class Token:
    """An access token that the issuer answered with."""

    jti: str
    kid: str
    sub: str
    grant: str
    """The user grant; "" for a client's own token."""
    iat: int
    exp: int


@dataclass(frozen=True, slots=True)
class RevokedTokens:
    """A revocation: by `jti`, `grant`, `kid`, `sub` (of one user) or `all`."""

    kind: str
    identifier: str
    begun: float
    acknowledged: float | None = None
    given_up: float | None = None
    """When its request had failed. The revocation can have happened until then, or not at all."""

    def covers(self, token: Token, *, until: float) -> bool:
        """Return True if the token is of this kind and identifier, and issued before `until`, if the kind is coarse."""
        if self.kind in {"sub", "all"}:
            return self.identifier in {"", token.sub} and token.iat <= until
        return bool(self.identifier) and getattr(token, self.kind) == self.identifier


@dataclass(frozen=True, slots=True)
class Call:
    """A request to the issuer. `group` is "token", "page" or "documents", `client` the grant type or the document."""

    group: str
    client: str
    sent: float
    answered: float
    outcome: str


@dataclass(frozen=True, slots=True)
class Use:
    """A token presented to an API. `token` is None if its signature was changed."""

    api: str
    token: Token | None
    sent: float
    answered: float
    outcome: str


@dataclass(frozen=True, slots=True)
class Check:
    """Whether an acknowledged write was found again: a refresh token, a consent or a revocation."""

    kind: str
    at: float
    kept: bool
    excuse: str = ""
    """Why a write that was not found is not lost. "" if it is."""


@dataclass(frozen=True, slots=True)
class Window:
    """A fault: from just before it begins until it is lifted, and until everything was seen to work again."""

    fault: str
    begun: float
    lifted: float
    recovered: float
    excuses: frozenset[str] = frozenset()
    """Outcomes that may happen in the window, as "group:outcome"; the group of an API is its name."""
    expects: frozenset[str] = frozenset()
    """Outcomes that must happen, or the fault was none."""
    late: frozenset[str] = frozenset()
    """APIs that cannot read the revocation feed in the window."""

    def overlaps(self, begin: float, end: float) -> bool:
        """Return True if the interval touches the window."""
        return begin <= self.recovered and end >= self.begun


@dataclass(slots=True)
class Ledger:
    """Everything that was recorded. Threads append."""

    tokens: list[Token] = field(default_factory=list)
    revocations: list[RevokedTokens] = field(default_factory=list)
    calls: list[Call] = field(default_factory=list)
    uses: list[Use] = field(default_factory=list)
    checks: list[Check] = field(default_factory=list)
    windows: list[Window] = field(default_factory=list)

    def begin(self, kind: str, identifier: str, *, now: float) -> RevokedTokens:
        """Record that a revocation is requested, and return it."""
        self.revocations.append(RevokedTokens(kind, identifier, now))
        return self.revocations[-1]

    def end(self, one: RevokedTokens, *, acknowledged: bool, now: float) -> None:
        """Record that the issuer acknowledged the revocation, or that its request failed."""
        ended = replace(one, acknowledged=now) if acknowledged else replace(one, given_up=now)
        self.revocations[self.revocations.index(one)] = ended


def outcome(status: int, headers: Mapping[str, str]) -> str:
    """Return the outcome of an answer by its status and the header Retry-After. `headers` ignores case."""
    if status == 503:
        return CLEAN if headers.get("Retry-After", "").isdecimal() else BARE
    if status in {502, 504}:
        return GATEWAY
    if status < 400:
        return OK
    return REFUSED if status in {400, 401, 403} else str(status)
