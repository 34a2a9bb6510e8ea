"""Judge the ledger (the records of a run) by these rules. Pure.

1. No API refused a token that was valid from the request to the answer.
2. No API accepted a token with a changed signature, or a token that expired longer ago than `Promises.leeway`. No API
   accepted a token whose revocation was acknowledged longer ago than `Promises.revocation`. If an API cannot read the
   revocation feed, this time begins when the API can read the feed again.
3. No acknowledged write was lost: refresh tokens, consents, revocations.
4. Each failure of the issuer or an API was in the window of a fault that excuses it. An excuse names a group of
   requests and an outcome, such as "token:503".
5. Each fault had its expected outcomes, and everything worked again within `Promises.recovery` after the fault was
   lifted.
6. There were enough measurements: each grant type got tokens, each API accepted and refused tokens, the web application
   reached an API, and each scheduled job succeeded.
7. Each run of a scheduled job succeeded, unless it was in the window of a fault that excuses 503 of the token endpoint.
   Jobs and the token endpoint both need the database. Killing or restarting a node excuses no failed job.
"""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from project.drill.ledger import CLEAN, EXPECTED, OK, REFUSED, Call, Ledger, RevokedTokens, Use, Window

SLACK = 2.0
"""Seconds by which an instant of the issuer (`iat` and `exp` are whole seconds) can differ from the drill's clock."""
NO_TOKENS = f"token:{CLEAN}"
"""The excuse for a 503 of the token endpoint. It also excuses failed jobs."""


@dataclass(frozen=True, slots=True)
class Promises:
    """What the drill must confirm: the limits against which the rules of this module judge the measurements.

    Times are in seconds. The sets, such as `apis`, have the names that must be measured. A missing measurement of one
    of these names is a violation.
    """

    revocation: float
    """The permitted seconds from the acknowledgement of a revocation until no API accepts the token."""
    leeway: float
    """The permitted seconds after `exp` in which an API accepts a token."""
    recovery: float
    """The permitted seconds from the end of a fault until everything works again."""
    grant_types: frozenset[str]
    apis: frozenset[str]
    applications: frozenset[str] = frozenset()
    """The names under which the ledger records uses of APIs by web applications."""
    jobs: frozenset[str] = frozenset()
    """The scheduled jobs, each of which must succeed at least once."""
    least: int = 5
    """The required number of tokens per grant type, and of uses per API and outcome."""


@dataclass(frozen=True, slots=True)
class Violation:
    """A violation of a rule of this module: the number of the rule, what happened, and when (Unix seconds)."""

    rule: int
    message: str
    at: float


def judge(ledger: Ledger, bounds: Promises) -> list[Violation]:
    """Return every violation, in the order of the rules."""
    return [
        *_valid_refused(ledger),
        *_invalid_accepted(ledger, bounds),
        *_lost(ledger),
        *_outside(ledger),
        *_faults(ledger, bounds),
        *_too_little(ledger, bounds),
        *_failed_jobs(ledger),
    ]


def _valid_refused(ledger: Ledger) -> Iterator[Violation]:
    for use in ledger.uses:
        if use.outcome == REFUSED and use.token and _is_valid(use, ledger.revocations):
            yield Violation(1, f"{use.api} refused a valid token of {use.token.sub} ({use.token.jti})", use.sent)


def _is_valid(use: Use, revocations: Iterable[RevokedTokens]) -> bool:
    token = use.token
    if token is None or use.answered > token.exp - SLACK:
        return False
    for revocation in revocations:
        until = (revocation.acknowledged or revocation.given_up or use.answered) + SLACK
        if revocation.begun <= use.answered and revocation.covers(token, until=until):
            return False
    return True


def _invalid_accepted(ledger: Ledger, bounds: Promises) -> Iterator[Violation]:
    """Yield a violation of rule 2 for each invalid token that an API accepted."""
    for use in ledger.uses:
        if use.outcome != OK:
            continue
        if use.token is None:
            yield Violation(2, f"{use.api} accepted a token with a changed signature", use.sent)
        elif use.sent > use.token.exp + bounds.leeway + SLACK:
            yield Violation(
                2, f"{use.api} accepted a token that expired {use.sent - use.token.exp:.0f} s ago", use.sent
            )
        elif over := overdue(use, ledger, bounds):
            yield Violation(2, f"{use.api} accepted a revoked token {over:.1f} s after the bound", use.sent)


def overdue(use: Use, ledger: Ledger, bounds: Promises) -> float:
    """Return how many seconds after the deadline the API accepted the revoked token of `use`.

    The deadline is the instant from which the API had to refuse the token. Returns 0.0 if the deadline had not passed,
    or if the token was not revoked.
    """
    if use.token is None:
        return 0.0
    ends = [
        deadline(revocation, use.api, ledger.windows, bounds)
        for revocation in ledger.revocations
        if revocation.acknowledged is not None and revocation.covers(use.token, until=revocation.begun - SLACK)
    ]
    return max(0.0, use.sent - min(ends)) if ends else 0.0


def deadline(revocation: RevokedTokens, api: str, windows: Iterable[Window], bounds: Promises) -> float:
    """Return the instant (Unix seconds) after which `api` must refuse the tokens that `revocation` covers.

    This deadline is `bounds.revocation` seconds after the issuer acknowledged the revocation. One of the `windows` in
    which `api` could not read the revocation feed postpones the deadline if it overlaps the time from the request for
    the revocation to the deadline. The deadline is then `bounds.revocation` seconds after the end of the window.
    """
    end = (revocation.acknowledged or revocation.begun) + bounds.revocation
    for window in sorted(windows, key=lambda window: window.begun):
        if api in window.late and window.begun <= end and window.recovered >= revocation.begun:
            end = max(end, window.recovered + bounds.revocation)
    return end


def _lost(ledger: Ledger) -> Iterator[Violation]:
    for check in ledger.checks:
        if not check.kept and not check.excuse:
            yield Violation(3, f"an acknowledged write was lost: {check.kind}", check.at)


def _outside(ledger: Ledger) -> Iterator[Violation]:
    items: list[tuple[str, str, Call | Use]] = [*_failed_calls(ledger), *_failed_uses(ledger)]
    for group, name, item in items:
        excuse = f"{group}:{item.outcome}"
        near = [window for window in ledger.windows if window.overlaps(item.sent, item.answered)]
        if not any(excuse in window.excuses for window in near):
            yield Violation(4, f"{name}: {item.outcome}, {_during(near)}", item.sent)


def _failed_calls(ledger: Ledger) -> Iterator[tuple[str, str, Call]]:
    return ((call.group, call.client, call) for call in ledger.calls if call.outcome not in {OK, EXPECTED})


def _failed_uses(ledger: Ledger) -> Iterator[tuple[str, str, Use]]:
    return ((use.api, use.api, use) for use in ledger.uses if use.outcome not in {OK, REFUSED})


def outcomes(ledger: Ledger, window: Window) -> Counter[str]:
    """Count the outcomes of the requests in the window. A key of the result is, for example, "token:503".

    The part before the colon is the group of the request. For a request to an API, the group is the API's name.
    """
    calls = (f"{call.group}:{call.outcome}" for call in ledger.calls if window.overlaps(call.sent, call.answered))
    uses = (f"{use.api}:{use.outcome}" for use in ledger.uses if window.overlaps(use.sent, use.answered))
    return Counter([*calls, *uses])


def _faults(ledger: Ledger, bounds: Promises) -> Iterator[Violation]:
    for window in ledger.windows:
        for missing in sorted(window.expects - outcomes(ledger, window).keys()):
            yield Violation(5, f"{window.fault} had no effect: {missing} never happened", window.begun)
        if window.recovered - window.lifted > bounds.recovery:
            took = window.recovered - window.lifted
            yield Violation(5, f"{window.fault}: working again only {took:.0f} s after its end", window.lifted)


def _too_little(ledger: Ledger, bounds: Promises) -> Iterator[Violation]:
    """Yield a violation of rule 6 for each measurement that is missing or was made too seldom."""
    got = Counter(call.client for call in ledger.calls if call.group == "token" and call.outcome == OK)
    used = Counter((use.api, use.outcome) for use in ledger.uses)
    for name in sorted(bounds.grant_types):
        if got[name] < bounds.least:
            yield Violation(6, f"{name} got {got[name]} tokens only", 0.0)
    for api in sorted(bounds.apis):
        for kind in (OK, REFUSED):
            if used[api, kind] < bounds.least:
                yield Violation(6, f"{api}: {used[api, kind]} tokens {kind} only", 0.0)
    for application in sorted(bounds.applications):
        if used[application, OK] < bounds.least:
            yield Violation(6, f"{application}: {used[application, OK]} tokens accepted only", 0.0)
    for kind in sorted({"refresh token", "consent", "revocation"} - {check.kind for check in ledger.checks}):
        yield Violation(6, f"no {kind} was looked for again", 0.0)
    for name in sorted(bounds.jobs - {job.name for job in ledger.jobs if not job.error}):
        yield Violation(6, f"{name} never succeeded", 0.0)


def _failed_jobs(ledger: Ledger) -> Iterator[Violation]:
    for job in ledger.jobs:
        near = [window for window in ledger.windows if window.overlaps(job.begun, job.ended)]
        if job.error and not any(NO_TOKENS in window.excuses for window in near):
            yield Violation(7, f"{job.name} failed, {_during(near)}: {job.error}", job.begun)


def _during(windows: Iterable[Window]) -> str:
    return f"during {' and '.join(window.fault for window in windows) or 'no fault'}"
