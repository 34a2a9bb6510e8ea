"""The verdict of project.drill (a test under load): which promises were broken.

A promise is a rule that an issuer must keep. The tests begin with the ledger (record) of a drill in which every promise
was kept, and change it, for example to break one promise.
"""

from collections.abc import Callable
from dataclasses import replace

import pytest

from project.drill.ledger import (
    BARE,
    BY_WEBAPP,
    CLEAN,
    EXPECTED,
    GATEWAY,
    OK,
    REFUSED,
    UNANSWERED,
    Call,
    Check,
    Job,
    Ledger,
    RevokedTokens,
    Token,
    Use,
    Window,
    outcome,
)  # fmt: skip
from project.drill.verdict import Promises, deadline, judge, overdue

BOUNDS = Promises(
    revocation=10, leeway=30, recovery=15, grant_types=frozenset({"device"}), apis=frozenset({"api-one"}),
    applications=frozenset({BY_WEBAPP}), jobs=frozenset({"purge_tokens"}), least=1,
)  # fmt: skip
TOKEN = Token(jti="one", kid="key", sub="ada", grant="grant", iat=1000, exp=1060)
FAULT = Window(
    "fault", begun=1100, lifted=1110, recovered=1112, excuses=frozenset({"token:503", "api-one:503"}),
    expects=frozenset({"token:503"}), late=frozenset({"api-one"}),
)  # fmt: skip
RESTART = replace(FAULT, begun=1040, excuses=frozenset({f"token:{GATEWAY}"}), expects=frozenset())


def call(at: float, result: str = OK, *, group: str = "token") -> Call:
    return Call(group, "device", at, at + 0.1, result)


def use(at: float, result: str, token: Token | None = TOKEN) -> Use:
    return Use("api-one", token, at, at + 0.1, result)


def by_webapp(at: float, result: str) -> Use:
    return replace(use(at, result), api=BY_WEBAPP)


def job(at: float, error: str = "") -> Job:
    return Job("purge_tokens", at, at + 3, error)


def revoked(kind: str = "jti", name: str = "one", *, begun: float = 1010, at: float | None = 1011) -> RevokedTokens:
    return RevokedTokens(kind, name, begun, at)


def passed_drill() -> Ledger:
    """Return the ledger (record) of a drill in which every promise held."""
    return Ledger(
        tokens=[TOKEN],
        calls=[call(1000), call(1105, CLEAN), call(1116), call(1120, EXPECTED)],
        uses=[use(1005, OK), use(1095, REFUSED), use(1006, REFUSED, None), by_webapp(1007, OK)],
        checks=[Check(kind, 1200, kept=True) for kind in ("refresh token", "consent", "revocation")],
        jobs=[job(1000), job(1104, "the database is away"), job(1115)],
        windows=[FAULT],
    )


def rules(changed: Ledger) -> list[int]:
    return [violation.rule for violation in judge(changed, BOUNDS)]


def test_a_drill_without_a_broken_promise_is_passed() -> None:
    assert judge(passed_drill(), BOUNDS) == []


BREAKS: dict[str, tuple[int, Callable[[Ledger], object]]] = {
    "a valid token is refused": (1, lambda ledger: ledger.uses.append(use(1020, REFUSED))),
    "a valid token is refused before its revocation began": (
        1, lambda ledger: (ledger.uses.append(use(1005, REFUSED)), ledger.revocations.append(revoked())),
    ),
    "a token is refused for the revocation of another": (
        1, lambda ledger: (ledger.uses.append(use(1020, REFUSED)), ledger.revocations.append(revoked(name="other"))),
    ),
    "a token is refused that is newer than the log-out": (
        1, lambda ledger: (
            ledger.uses.append(use(1020, REFUSED)), ledger.revocations.append(revoked("sub", "ada", begun=990, at=991)),
        ),
    ),
    "a token with a changed signature is accepted": (2, lambda ledger: ledger.uses.append(use(1020, OK, None))),
    "an expired token is accepted": (2, lambda ledger: ledger.uses.append(use(1093, OK))),
    "a revoked token is accepted": (
        2, lambda ledger: (ledger.revocations.append(revoked()), ledger.uses.append(use(1022, OK))),
    ),
    "a token of a revoked grant is accepted": (
        2, lambda ledger: (ledger.revocations.append(revoked("grant", "grant")), ledger.uses.append(use(1022, OK))),
    ),
    "a token of a revoked key is accepted": (
        2, lambda ledger: (ledger.revocations.append(revoked("kid", "key")), ledger.uses.append(use(1022, OK))),
    ),
    "a token of a logged-out user is accepted": (
        2, lambda ledger: (ledger.revocations.append(revoked("sub", "ada")), ledger.uses.append(use(1022, OK))),
    ),
    "a token is accepted after everything was revoked": (
        2, lambda ledger: (ledger.revocations.append(revoked("all", "")), ledger.uses.append(use(1022, OK))),
    ),
    "a write is lost": (3, lambda ledger: ledger.checks.append(Check("refresh token", 1200, kept=False))),
    "a 503 outside of faults": (4, lambda ledger: ledger.calls.append(call(1050, CLEAN))),
    "a user of the web application who has to log in again outside of faults": (
        4, lambda ledger: ledger.calls.append(call(1050, REFUSED, group="webapp")),
    ),
    "a valid token of the web application is refused": (1, lambda ledger: ledger.uses.append(by_webapp(1020, REFUSED))),
    "a 503 without Retry-After in a fault": (4, lambda ledger: ledger.calls.append(call(1105, BARE))),
    "a 503 of nginx that the fault does not excuse": (4, lambda ledger: ledger.calls.append(call(1105, GATEWAY))),
    "no answer in a fault": (4, lambda ledger: ledger.calls.append(call(1105, UNANSWERED))),
    "a 500 in a fault": (4, lambda ledger: ledger.calls.append(call(1105, "500"))),
    "a refusal that the client did not expect": (4, lambda ledger: ledger.calls.append(call(1105, REFUSED))),
    "a document that the fault does not excuse": (
        4, lambda ledger: ledger.calls.append(call(1105, CLEAN, group="documents")),
    ),
    "a 503 of an API outside of faults": (4, lambda ledger: ledger.uses.append(use(1050, CLEAN))),
    "a fault without effect": (5, lambda ledger: ledger.calls.remove(call(1105, CLEAN))),
    "a fault after which nothing works for long": (
        5, lambda ledger: ledger.windows.append(replace(FAULT, recovered=1130, expects=frozenset())),
    ),
    "a grant type that got no token": (6, lambda ledger: ledger.calls.__delitem__(slice(0, 3, 2))),
    "an API that accepted nothing": (6, lambda ledger: ledger.uses.__delitem__(0)),
    "an API that refused nothing": (6, lambda ledger: ledger.uses.__delitem__(slice(1, 3))),
    "a web application that read nothing": (6, lambda ledger: ledger.uses.__delitem__(3)),
    "consents that were not looked for": (6, lambda ledger: ledger.checks.__delitem__(1)),
    "a job that succeeded never": (6, lambda ledger: ledger.jobs.__delitem__(slice(0, 3, 2))),
    "a job that fails outside of faults": (7, lambda ledger: ledger.jobs.append(job(1050, "a lock"))),
    "a job that fails after a fault": (7, lambda ledger: ledger.jobs.append(job(1112.5, "a lock"))),
    "a job that fails while a node restarts": (
        7, lambda ledger: (
            ledger.windows.append(RESTART),
            ledger.jobs.append(job(1050, "a lock")),
        ),
    ),
}  # fmt: skip


@pytest.mark.parametrize("change", BREAKS)
def test_each_promise_can_be_broken(change: str) -> None:
    rule, breaks = BREAKS[change]
    broken = passed_drill()
    breaks(broken)
    assert set(rules(broken)) == {rule}


EXCUSED: dict[str, Callable[[Ledger], object]] = {
    "a token that expires now is refused": lambda ledger: ledger.uses.append(use(1059, REFUSED)),
    "a token is refused while its revocation is requested": lambda ledger: (
        ledger.revocations.append(revoked(at=None)), ledger.uses.append(use(1010, REFUSED))
    ),
    "a token is accepted within the bound": lambda ledger: (
        ledger.revocations.append(revoked()), ledger.uses.append(use(1020, OK))
    ),
    "a token is accepted whose revocation was not acknowledged": lambda ledger: (
        ledger.revocations.append(revoked(at=None)), ledger.uses.append(use(1040, OK))
    ),
    "an expired token is accepted within the leeway": lambda ledger: ledger.uses.append(use(1089, OK)),
    "a revoked token is accepted while the feed cannot be read": lambda ledger: (
        ledger.tokens.append(long := replace(TOKEN, jti="long", exp=1200)),
        ledger.revocations.append(revoked(name="long", begun=1099, at=1099.5)),
        ledger.uses.append(use(1121, OK, long)),
    ),
    "a write is gone that was revoked": lambda ledger: ledger.checks.append(
        Check("refresh token", 1, kept=False, excuse="revoked")
    ),
    "an API is unavailable in its fault": lambda ledger: ledger.uses.append(use(1105, CLEAN)),
    "a job fails that began before its fault": lambda ledger: ledger.jobs.append(job(1098, "the database is away")),
    "a job fails that began in its fault": lambda ledger: ledger.jobs.append(job(1111, "the database is away")),
}  # fmt: skip


@pytest.mark.parametrize("change", EXCUSED)
def test_the_neighbours_of_a_broken_promise_are_none(change: str) -> None:
    changed = passed_drill()
    EXCUSED[change](changed)
    assert judge(changed, BOUNDS) == []


def test_a_revocation_that_failed_covers_no_later_token() -> None:
    failed = passed_drill()
    revocation = failed.begin("sub", "ada", now=900)
    failed.end(revocation, acknowledged=False, now=903)
    failed.uses.append(use(1020, REFUSED))
    assert rules(failed) == [1]


def test_the_bound_counts_from_the_end_of_each_fault_that_it_reaches() -> None:
    later = replace(FAULT, begun=1120, lifted=1125, recovered=1126)
    revocation = revoked(begun=1098, at=1099)
    assert deadline(revocation, "api-one", [], BOUNDS) == 1109
    assert deadline(revocation, "api-one", [FAULT], BOUNDS) == 1122
    assert deadline(revocation, "api-one", [later, FAULT], BOUNDS) == 1136
    assert deadline(revocation, "api-two", [later, FAULT], BOUNDS) == 1109


def test_a_use_before_the_bound_is_not_overdue() -> None:
    with_revocation = passed_drill()
    with_revocation.revocations.append(revoked())
    assert overdue(use(1021, OK), with_revocation, BOUNDS) == 0
    assert overdue(use(1023, OK), with_revocation, BOUNDS) == 2


@pytest.mark.parametrize(
    ("status", "headers", "expected"),
    [
        (200, {}, OK), (302, {}, OK), (503, {"Retry-After": "2"}, CLEAN), (503, {}, BARE),
        (503, {"Retry-After": "soon"}, BARE), (502, {}, "502"), (504, {}, "504"), (400, {}, REFUSED),
        (503, {"Retry-After": "5", "Proxy-Status": "nginx"}, GATEWAY), (503, {"Proxy-Status": "nginx"}, BARE),
        (401, {}, REFUSED), (403, {}, REFUSED), (404, {}, "404"), (429, {}, "429"), (500, {}, "500"),
    ],
)  # fmt: skip
def test_an_answer_has_one_outcome(status: int, headers: dict[str, str], expected: str) -> None:
    assert outcome(status, headers) == expected
