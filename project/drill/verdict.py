"""Judge the ledger. Pure.

1. No API refused a token that was valid from the request to the answer.
2. No API accepted a token with a changed signature, a token that expired longer ago than the leeway, or a token whose
   revocation was acknowledged longer ago than the bound. If an API cannot read the feed, the bound counts from then on
   when it can.
3. No acknowledged write was lost: refresh tokens, consents, revocations.
4. Each failure of issuer and APIs lies in the window of a fault that excuses this outcome for this group.
5. Each fault had the outcomes that it must have, and everything worked again within the bound after it was lifted.
6. Enough was measured: each grant type got tokens, each API accepted and refused some.
"""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from project.drill.ledger import EXPECTED, OK, REFUSED, Call, Ledger, RevokedTokens, Use, Window

SLACK = 2.0
"""Seconds that an instant of the issuer (iat, exp: whole seconds) can differ from the drill's."""


@dataclass(frozen=True, slots=True)
class Promises:
    """What the drill promises, in seconds, and what it must have measured at least."""

    revocation: float
    """From the acknowledgement of a revocation until no API accepts the token."""
    leeway: float
    """How long after `exp` an API accepts a token."""
    recovery: float
    """From the end of a fault until everything works."""
    grant_types: frozenset[str]
    apis: frozenset[str]
    least: int = 5
    """Tokens per grant type, and uses per API of each outcome."""


@dataclass(frozen=True, slots=True)
class Violation:
    """A broken promise: the number of the rule, what happened, and when."""

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
    ]


def _valid_refused(ledger: Ledger) -> Iterator[Violation]:
    for use in ledger.uses:
        if use.outcome == REFUSED and use.token and _is_valid(use, ledger.revocations):
            yield Violation(1, f"{use.api} refused a valid token of {use.token.sub} ({use.token.jti})", use.sent)


def _is_valid(use: Use, revocations: Iterable[RevokedTokens]) -> bool:
    token = use.token
    if token is None or use.answered > token.exp - SLACK:
        return False
    for one in revocations:
        until = (one.acknowledged or one.given_up or use.answered) + SLACK
        if one.begun <= use.answered and one.covers(token, until=until):
            return False
    return True


def _invalid_accepted(ledger: Ledger, bounds: Promises) -> Iterator[Violation]:
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
    """Return for how many seconds an API should have refused the token already when it was presented; 0.0 if not."""
    if use.token is None:
        return 0.0
    ends = [
        deadline(one, use.api, ledger.windows, bounds)
        for one in ledger.revocations
        if one.acknowledged is not None and one.covers(use.token, until=one.begun - SLACK)
    ]
    return max(0.0, use.sent - min(ends)) if ends else 0.0


def deadline(one: RevokedTokens, api: str, windows: Iterable[Window], bounds: Promises) -> float:
    """Return the instant from which the API has to refuse the revoked tokens."""
    end = (one.acknowledged or one.begun) + bounds.revocation
    for window in sorted(windows, key=lambda window: window.begun):
        if api in window.late and window.begun <= end and window.recovered >= one.begun:
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
            during = " and ".join(window.fault for window in near) or "no fault"
            yield Violation(4, f"{name}: {item.outcome}, during {during}", item.sent)


def _failed_calls(ledger: Ledger) -> Iterator[tuple[str, str, Call]]:
    return ((one.group, one.client, one) for one in ledger.calls if one.outcome not in {OK, EXPECTED})


def _failed_uses(ledger: Ledger) -> Iterator[tuple[str, str, Use]]:
    return ((one.api, one.api, one) for one in ledger.uses if one.outcome not in {OK, REFUSED})


def seen(ledger: Ledger, window: Window) -> Counter[str]:
    """Return how often each "group:outcome" happened in the window."""
    calls = (f"{one.group}:{one.outcome}" for one in ledger.calls if window.overlaps(one.sent, one.answered))
    uses = (f"{one.api}:{one.outcome}" for one in ledger.uses if window.overlaps(one.sent, one.answered))
    return Counter([*calls, *uses])


def _faults(ledger: Ledger, bounds: Promises) -> Iterator[Violation]:
    for window in ledger.windows:
        for missing in sorted(window.expects - seen(ledger, window).keys()):
            yield Violation(5, f"{window.fault} had no effect: {missing} never happened", window.begun)
        if window.recovered - window.lifted > bounds.recovery:
            took = window.recovered - window.lifted
            yield Violation(5, f"{window.fault}: working again only {took:.0f} s after its end", window.lifted)


def _too_little(ledger: Ledger, bounds: Promises) -> Iterator[Violation]:
    got = Counter(one.client for one in ledger.calls if one.group == "token" and one.outcome == OK)
    used = Counter((one.api, one.outcome) for one in ledger.uses)
    for name in sorted(bounds.grant_types):
        if got[name] < bounds.least:
            yield Violation(6, f"{name} got {got[name]} tokens only", 0.0)
    for api in sorted(bounds.apis):
        for kind in (OK, REFUSED):
            if used[api, kind] < bounds.least:
                yield Violation(6, f"{api}: {used[api, kind]} tokens {kind} only", 0.0)
    for kind in sorted({"refresh token", "consent", "revocation"} - {check.kind for check in ledger.checks}):
        yield Violation(6, f"no {kind} was looked for again", 0.0)
