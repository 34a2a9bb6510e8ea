"""The benchmark of growth compares latencies with many rows and with few rows in the same round."""

from bench.backing import Cost
from bench.pairs import Counted, Pair, explained
from bench.rounds import Sample
from bench.rows import Row
from bench.servers import Server


def row(name: str) -> Row:
    return Row("refresh", Server(name, "http://localhost:1", leader=0), list)


def sample(median: float) -> Sample:
    return Sample(server=1, postgresql=2, redis=4, rate=1000, median=median)


def pair(*latencies: tuple[float, float]) -> Pair:
    return Pair(row("few"), row("many"), [(sample(few), sample(many)) for few, many in latencies])


def cost(query: str, calls: int) -> Cost:
    return Cost(query, calls, time=calls * 0.5, hit=calls * 8, read=calls, wal=calls * 100)


def test_the_ratio_is_taken_within_each_round_and_judged_against_1_2() -> None:
    # In the second round, the machine was three times as slow for both.
    line = pair((1, 1.25), (3, 3.75), (1, 1.25)).line()
    assert (line.figure, line.most) == (1.25, 1.2)
    assert "MISSED" in str(line)
    assert "met" in str(pair((1, 1.2)).line())


def test_the_detail_has_latency_and_cpu_of_the_server_and_its_database() -> None:
    assert pair((1, 2), (1, 2)).detail().split() == ["1.00", "2.00", "ms", "CPU", "3.00", "3.00", "ms"]


def test_each_of_both_is_first_in_every_other_round() -> None:
    growth = pair((1, 1))
    assert [[row.server.name for row in growth.turn(number)] for number in range(2)] == [
        ["few", "many"],
        ["many", "few"],
    ]


def test_only_statements_of_every_request_are_explained_beside_their_equals() -> None:
    few = Counted(10, [cost("SELECT 1", 10), cost("COMMIT", 10)])
    many = Counted(20, [cost("SELECT\n  1", 20), cost("COMMIT", 20), cost("UPDATE", 9)])
    assert list(explained(few, many)) == [
        "    0.500 ms,    8.0 +  1.00 pages,    100 B |   0.500 ms,    8.0 +  1.00 pages,    100 B | COMMIT"
    ]
