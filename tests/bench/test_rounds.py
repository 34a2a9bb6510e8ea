"""The figures of the benchmark are medians over the rounds. A ratio compares samples of the same round."""

from bench import chart
from bench.figures import Row
from bench.rounds import Rounds, Sample, rotated


def sample(cpu: float) -> Sample:
    return Sample(server=cpu / 2, postgresql=cpu / 4, redis=cpu / 4, rate=1000, median=1)


def test_a_ratio_is_taken_within_each_round() -> None:
    # In the second round, the machine was twice as slow for both.
    rounds = Rounds({"one": [sample(1), sample(2), sample(1)], "other": [sample(2), sample(4), sample(2)]})
    assert rounds.ratio("one", "other") == 0.5
    assert rounds.difference("other", "one") == 1
    assert rounds.figure("other") == 2


def test_rows_begin_at_another_one_in_each_round_and_none_is_left_out() -> None:
    rows = ["a", "b", "c", "d"]
    orders = [rotated(rows, number, 2) for number in range(2)]
    assert orders == [["a", "b", "c", "d"], ["c", "d", "a", "b"]]


def test_a_figure_above_its_target_is_missed_and_one_at_it_is_met() -> None:
    assert "MISSED" in str(Row("tokens", 1.01, 1.0, "x"))
    assert "met" in str(Row("tokens", 1.0, 1.0, "x"))
    assert "no target" in str(Row("tokens", 1.0, None, "x"))


def test_the_chart_has_a_bar_for_each_row_and_cuts_one_that_would_hide_the_others() -> None:
    medians = {name: 1.0 for rows in chart.GROUPS.values() for name in rows} | {"toolkit token": 250.0}
    drawn = chart.drawn({"medians": medians, "date": "2026-11-29"})
    assert drawn.count("<rect") == 1 + len(medians)
    assert drawn.count("(bar cut)") == 1
