"""The benchmark requires the status 304 for a conditional request of an unchanged document.

If the issuer is an earlier build, the benchmark also accepts 200.
"""

import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from bench import tables
from bench.rounds import refuse_other_statuses
from bench.rows import App, Row
from bench.servers import Server

SERVER = Server("ours", "http://localhost:1", leader=0)


def rows(unchanged: tuple[int, ...]) -> dict[str, Row]:
    key = ec.generate_private_key(ec.SECP256R1())
    return {row.name: row for row in tables.issuer(SERVER, App(SERVER, [], 0), key, unchanged)}


@pytest.mark.parametrize("name", ["JWKS 304", "metadata 304"])
def test_an_answer_of_this_build_with_the_whole_document_fails(name: str) -> None:
    row = rows(tables.NOT_MODIFIED)[name]
    refuse_other_statuses(row, {304: 5})
    with pytest.raises(AssertionError, match=name):
        refuse_other_statuses(row, {304: 5, 200: 1})


def test_an_earlier_build_can_answer_with_the_whole_document() -> None:
    refuse_other_statuses(rows((*tables.NOT_MODIFIED, 200))["metadata 304"], {200: 5})
