"""The report of project.drill (a test under load): its table and its JSON."""

import json

import pytest

from project.drill.ledger import CLEAN, REFUSED, Ledger
from project.drill.report import as_json, lines, summary, table
from project.drill.verdict import judge
from tests.project.drill.test_verdict import BOUNDS, call, passed_drill, use


def test_a_line_counts_the_failures_in_its_window_by_kind() -> None:
    ledger = passed_drill()
    ledger.calls.append(call(1106, CLEAN, group="page"))
    ledger.uses.append(use(1106, REFUSED, None))
    fault, rest = lines(ledger)
    assert (fault.fault, fault.seconds, fault.requests) == ("fault", 10, 3)
    assert fault.failures == {"page:503": 1, "token:503": 1}
    assert rest.failures == {}


@pytest.mark.parametrize(
    ("at", "gap"), [((1000, 1101, 1109, 1300), 8), ((1000, 1300), 12), ((1000, 1099, 1105, 1115), 7)]
)
def test_the_gap_is_the_longest_time_without_a_token_in_the_window(at: tuple[float, ...], gap: float) -> None:
    ledger = passed_drill()
    ledger.calls[:] = [call(instant - 0.1) for instant in at]
    assert lines(ledger)[0].gap == gap


def test_the_table_is_markdown_with_a_row_for_each_fault() -> None:
    head, rule, fault, rest = table(lines(passed_drill())).splitlines()
    assert head == "| fault | s | requests | failures by kind | longest gap |"
    assert rule.count("---") == 5
    assert fault == "| fault | 10 | 1 | 1 token 503 | 12 s |"
    assert rest.startswith("| (no fault) |")


def test_the_summary_names_each_broken_promise() -> None:
    broken = passed_drill()
    broken.calls.append(call(1050, CLEAN))
    violations = judge(broken, BOUNDS)
    assert summary(passed_drill(), [])[-1] == "Every promise held."
    assert summary(passed_drill(), [])[0].endswith("; 3 runs of scheduled jobs, 1 failed.")
    assert summary(broken, violations)[1:] == ["BROKEN (rule 4): device: 503, during no fault"]
    assert summary(broken, [*violations, *violations])[1:] == [
        "BROKEN (rule 4): device: 503, during no fault (2 times)"
    ]
    assert json.loads(json.dumps(as_json(broken, violations)))["violations"][0]["rule"] == 4


def test_an_empty_ledger_is_no_success() -> None:
    assert {violation.rule for violation in judge(Ledger(), BOUNDS)} == {6}
