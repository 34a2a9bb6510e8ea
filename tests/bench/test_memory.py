"""The benchmark of memory compares the last reading with the first.

Its requests to the API have the same token, except for the `kid` in the token's header, which is random.
"""

import random
from collections import Counter
from itertools import islice

import jwt
import pytest

from bench.load import Answer
from bench.memory import Part, Series, answered, limited, repeated, with_random_kids
from bench.servers import Server
from resources.testing import mint


def bearer(sent: bytes) -> str:
    return sent.decode().partition("Bearer ")[2].partition("\r\n")[0]


@pytest.mark.parametrize(("last", "verdict"), [(105.0, "met"), (105.1, "MISSED"), (90.0, "met")])
def test_memory_is_flat_up_to_a_twentieth_more_than_the_first_reading(last: float, verdict: str) -> None:
    line = Series("issuer", [(100, 100.0), (200, 120.0), (300, last)]).line()
    assert verdict in str(line)
    assert "300 requests" in line.name


def test_a_token_differs_from_the_next_in_its_kid_alone() -> None:
    token = mint("notes:read")
    sent = [bearer(request) for request in islice(with_random_kids(token, random.Random(1)), 100)]
    kids = {jwt.get_unverified_header(changed)["kid"] for changed in sent}
    assert len(kids) == 100
    own = jwt.get_unverified_header(token)
    assert all(jwt.get_unverified_header(changed) | {"kid": own["kid"]} == own for changed in sent)
    assert {changed.partition(".")[2] for changed in sent} == {token.partition(".")[2]}


def part(*statuses: int) -> Part:
    server = Server("ours", "http://localhost:1", leader=0)
    return Part("issuer", server, lambda: repeated(b"GET"), frozenset(statuses))


def test_a_client_ends_after_so_many_requests_and_counts_the_statuses() -> None:
    statuses: Counter[int] = Counter()
    client = limited(repeated(b"GET"), 2, statuses)
    assert next(client) == b"GET"
    assert client.send(Answer(200, b"", b"")) == b"GET"
    with pytest.raises(StopIteration):
        client.send(Answer(503, b"", b""))
    assert statuses == {200: 1, 503: 1}


def test_only_the_expected_statuses_count_and_a_busy_server_is_no_failure() -> None:
    assert answered(part(200), Counter({200: 5, 503: 2})) == 5
    assert answered(part(401, 503), Counter({401: 5, 503: 2})) == 7
    with pytest.raises(AssertionError, match="401"):
        answered(part(200), Counter({200: 5, 401: 1}))
