"""The command-line options of project.drill (a test under load), and the faults that they choose."""

import sys

import pytest

from project.drill.__main__ import parse, plan, sizes
from project.drill.node_faults import wrong_key
from project.drill.plan import ALL, FULL, QUICK


@pytest.mark.parametrize(
    ("words", "chosen"),
    [
        ([], FULL),
        (["--quick"], QUICK),
        (["--quick", "--json"], QUICK),
        (["--fault", "wrong_key", "--keep", "var/drill"], [wrong_key]),
        ([word for fault in reversed(ALL) for word in ("--fault", fault.__name__)], ALL),
    ],
    ids=["full", "quick", "quick json", "one", "all"],
)
def test_the_options_choose_faults_in_their_order(monkeypatch, words, chosen):
    monkeypatch.setattr(sys, "argv", ["drill", *words])
    assert plan(parse()) == list(chosen)


@pytest.mark.parametrize(("words", "crowd"), [([], 100_000), (["--quick"], 0)])
def test_a_quick_drill_adds_no_users(monkeypatch, words, crowd):
    monkeypatch.setattr(sys, "argv", ["drill", *words])
    assert sizes(parse()).crowd == crowd
