"""Formats the result of a drill as a table or JSON: one line per fault, the totals, and the violations. Pure."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import pairwise

from project.drill.ledger import EXPECTED, OK, REFUSED, Ledger, Window
from project.drill.verdict import Violation, outcomes

HEADER = ("fault", "s", "requests", "failures by kind", "longest gap")
NO_FAULT = "(no fault)"


@dataclass(frozen=True, slots=True)
class FaultLine:
    """A row of the table of faults, with times in seconds.

    `seconds` is the duration of the fault. `gap` is the longest time in which no client got a token, between the
    beginning of the fault and the instant when everything worked again.
    """

    fault: str
    seconds: float
    requests: int
    failures: Mapping[str, int]
    gap: float


def lines(ledger: Ledger) -> list[FaultLine]:
    """Return a line for each fault in chronological order, then a line for the time outside of faults."""
    faults = [_line(ledger, window) for window in sorted(ledger.windows, key=lambda window: window.begun)]
    return [*faults, _rest(ledger)]


def _line(ledger: Ledger, window: Window) -> FaultLine:
    counts = outcomes(ledger, window)
    return FaultLine(
        window.fault,
        round(window.lifted - window.begun, 1),
        sum(counts.values()),
        _failures(counts),
        _gap(ledger, window.begun, window.recovered),
    )


def _rest(ledger: Ledger) -> FaultLine:
    requests = [(call.group, call) for call in ledger.calls] + [(use.api, use) for use in ledger.uses]
    outside = [
        (group, request) for group, request in requests
        if not any(window.overlaps(request.sent, request.answered) for window in ledger.windows)
    ]  # fmt: skip
    counts = Counter(f"{group}:{request.outcome}" for group, request in outside)
    return FaultLine(NO_FAULT, 0.0, len(outside), _failures(counts), 0.0)


def _failures(counts: Mapping[str, int]) -> dict[str, int]:
    """Return the counts of the outcomes that are failures. The keys are those of `verdict.outcomes`.

    A token that an API refuses is not a failure. Rules 1 and 2 of the verdict judge refused tokens.
    """
    ignored = {OK, EXPECTED}
    apis = {key for key in counts if key.startswith("api") and key.endswith(f":{REFUSED}")}
    return {key: counts[key] for key in sorted(counts) if key.partition(":")[2] not in ignored and key not in apis}


def _gap(ledger: Ledger, begin: float, end: float) -> float:
    """Return the seconds of the longest pause between `begin` and `end` during which no client got a token."""
    answered = (call.answered for call in ledger.calls if call.group == "token" and call.outcome == OK)
    at = [begin, *sorted(instant for instant in answered if begin < instant < end), end]
    return round(max(later - earlier for earlier, later in pairwise(at)), 1)


def table(lines: Sequence[FaultLine]) -> str:
    """Return the table of the faults as Markdown, with a row for each line in `lines`."""
    rows = [HEADER, tuple("---" for _ in HEADER)]
    for line in lines:
        failures = ", ".join(f"{count} {kind.replace(':', ' ')}" for kind, count in line.failures.items()) or "none"
        rows.append((line.fault, f"{line.seconds:g}" if line.seconds else "", str(line.requests), failures,
                     f"{line.gap:g} s" if line.fault != NO_FAULT else ""))  # fmt: skip
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


def summary(ledger: Ledger, violations: Sequence[Violation]) -> list[str]:
    """Return the lines of the summary: the totals, then each different violation.

    If there are no violations, the last line says that every rule was kept ("Every promise held").
    """
    accepted = sum(use.outcome == OK for use in ledger.uses)
    refused = sum(use.outcome == REFUSED for use in ledger.uses)
    excused = sum(not check.kept for check in ledger.checks) - sum(violation.rule == 3 for violation in violations)
    totals = (
        f"{len(ledger.tokens):,} tokens and {len(ledger.calls):,} requests to the issuer; {len(ledger.uses):,} uses at"
        f" the APIs ({accepted:,} accepted, {refused:,} refused); {len(ledger.revocations)} revocations;"
        f" {len(ledger.checks):,} writes looked for again, {excused} ended by a later revocation;"
        f" {len(ledger.jobs)} runs of scheduled jobs, {sum(bool(job.error) for job in ledger.jobs)} failed."
    )
    if not violations:
        return [totals, "Every promise held."]
    broken = Counter(f"BROKEN (rule {violation.rule}): {violation.message}" for violation in violations)
    return [totals, *(f"{message} ({count} times)" if count > 1 else message for message, count in broken.items())]


def as_json(ledger: Ledger, violations: Sequence[Violation]) -> dict[str, object]:
    """Return a dictionary for JSON: a line for each fault, the totals, and the violations."""
    return {
        "faults": [asdict(line) for line in lines(ledger)],
        "tokens": len(ledger.tokens),
        "requests": len(ledger.calls),
        "uses": len(ledger.uses),
        "revocations": len(ledger.revocations),
        "checks": len(ledger.checks),
        "jobs": len(ledger.jobs),
        "violations": [asdict(violation) for violation in violations],
    }
