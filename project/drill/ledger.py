"""The records of the drill: tokens, revocations, requests, uses at APIs, checks of writes, jobs, faults. Pure.

All instants are Unix seconds by the drill's own clock, which no fault changes.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

OK = "ok"
REFUSED = "refused"
EXPECTED = "expected refusal"
"""The outcome of a request that the issuer has to refuse, such as a refresh of a revoked grant."""
CLEAN = "503"
"""The outcome 503 with Retry-After."""
BARE = "503 without Retry-After"
GATEWAY = "503 of nginx"
"""The outcome 503 with Retry-After and Proxy-Status: nginx had no node to ask, or the node that it asked ended."""
UNANSWERED = "no answer"
BY_WEBAPP = "apis by webapp"
"""The name of the API in the uses by the web application, which calls the APIs through nginx."""


@dataclass(frozen=True, slots=True)
class Token:
    """An access token from an answer of the issuer."""

    jti: str
    kid: str
    sub: str
    grant: str
    """The id of the user grant, or "" if the client got the token for itself."""
    iat: int
    exp: int


@dataclass(frozen=True, slots=True)
class RevokedTokens:
    """A revocation, and the description of the tokens that it covers.

    `kind` is `jti`, `grant`, `kid`, `sub` (tokens of one user) or `all`.
    """

    kind: str
    identifier: str
    begun: float
    acknowledged: float | None = None
    given_up: float | None = None
    """The instant at which the request for the revocation failed. It is unknown whether the tokens are revoked."""

    def covers(self, token: Token, *, until: float) -> bool:
        """Return True if the revocation covers the token.

        If `kind` is `sub` or `all`, the revocation covers only tokens whose `iat` is `until` (Unix seconds) or earlier.
        """
        if self.kind in {"sub", "all"}:
            return self.identifier in {"", token.sub} and token.iat <= until
        return bool(self.identifier) and getattr(token, self.kind) == self.identifier


@dataclass(frozen=True, slots=True)
class Call:
    """A request to the issuer or the web application, and its outcome.

    `client` is the name of the drill's client that sent the request, such as "device".
    """

    group: str
    """The group of the request: "token", "page" or "documents" of the issuer, or "webapp"."""
    client: str
    sent: float
    answered: float
    outcome: str


@dataclass(frozen=True, slots=True)
class Use:
    """A token presented to an API. `token` is None if the token's signature was changed."""

    api: str
    token: Token | None
    sent: float
    answered: float
    outcome: str


@dataclass(frozen=True, slots=True)
class Check:
    """The result of a check that an acknowledged write is still stored.

    The write is a refresh token, a consent or a revocation.
    """

    kind: str
    at: float
    kept: bool
    excuse: str = ""
    """The reason why a write that was not found does not count as lost, or "" if it counts as lost."""


@dataclass(frozen=True, slots=True)
class Job:
    """A run of a scheduled job.

    `error` is the last line of the job's output if the job failed, or "" if it succeeded.
    """

    name: str
    begun: float
    ended: float
    error: str = ""


@dataclass(frozen=True, slots=True)
class Window:
    """The time of a fault, the outcomes that are permitted during this time, and the outcomes that are required.

    `begun` is just before the fault. `lifted` is the end of the fault. `recovered` is when everything works again.
    """

    fault: str
    begun: float
    lifted: float
    recovered: float
    excuses: frozenset[str] = frozenset()
    """Outcomes that may happen in the window, as "group:outcome". The group of an API is the name of the API."""
    expects: frozenset[str] = frozenset()
    """Outcomes that must happen in the window. Otherwise the fault had no effect."""
    late: frozenset[str] = frozenset()
    """APIs that cannot read the revocation feed in the window."""

    def overlaps(self, begin: float, end: float) -> bool:
        """Return True if the interval from `begin` to `end` overlaps the window."""
        return begin <= self.recovered and end >= self.begun


@dataclass(slots=True)
class Ledger:
    """All records of the drill. Several threads append to them."""

    tokens: list[Token] = field(default_factory=list)
    revocations: list[RevokedTokens] = field(default_factory=list)
    calls: list[Call] = field(default_factory=list)
    uses: list[Use] = field(default_factory=list)
    checks: list[Check] = field(default_factory=list)
    jobs: list[Job] = field(default_factory=list)
    windows: list[Window] = field(default_factory=list)

    def begin(self, kind: str, identifier: str, *, now: float) -> RevokedTokens:
        """Record that a revocation is requested, and return its record.

        `kind` says which tokens the revocation covers (see RevokedTokens). `identifier` is their `jti`, grant, `kid` or
        `sub`, or "" if `kind` is `all`.
        """
        self.revocations.append(RevokedTokens(kind, identifier, now))
        return self.revocations[-1]

    def end(self, revocation: RevokedTokens, *, acknowledged: bool, now: float) -> None:
        """Record the result of the revocation `revocation`, which `begin` returned.

        `acknowledged` is True if the issuer acknowledged it, and False if the request failed.
        """
        ended = replace(revocation, acknowledged=now) if acknowledged else replace(revocation, given_up=now)
        self.revocations[self.revocations.index(revocation)] = ended


def outcome(status: int, headers: Mapping[str, str]) -> str:
    """Return the outcome of an answer: OK, REFUSED, CLEAN, BARE, GATEWAY, or the status as text.

    CLEAN, BARE and GATEWAY are kinds of 503, which the headers Retry-After and Proxy-Status distinguish (see the
    constants above). `headers` must ignore the case of names.
    """
    if status == 503:
        clean = GATEWAY if "Proxy-Status" in headers else CLEAN
        return clean if headers.get("Retry-After", "").isdecimal() else BARE
    if status < 400:
        return OK
    return REFUSED if status in {400, 401, 403} else str(status)
