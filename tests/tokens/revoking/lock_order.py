"""A helper that tells in which order a block of code queries tables."""

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connection
from django.test.utils import CaptureQueriesContext


@contextmanager
def locks_in_order(*parts: str) -> Iterator[None]:
    """Fail unless the first statement of the block with each part of SQL precedes the first one with the next part."""
    with CaptureQueriesContext(connection) as captured:
        yield
    statements = [query["sql"] for query in captured]
    places = [next(place for place, statement in enumerate(statements) if part in statement) for part in parts]
    assert places == sorted(set(places)), list(zip(parts, places, strict=True))
