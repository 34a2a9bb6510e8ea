"""The fixture `at`."""

from datetime import timedelta

from django.utils import timezone

from tests.clock import freezer
from tokens.views import endpoint


def test_the_clock_stands_at_the_last_instant_and_goes_on_afterwards():
    start = timezone.now()
    with freezer() as freeze:
        freeze(start)
        assert endpoint.timezone.now() == timezone.now() == start
        freeze(start + timedelta(hours=1))
        assert endpoint.timezone.now() == start + timedelta(hours=1)
    assert start < timezone.now() < start + timedelta(hours=1)


def test_a_block_freezes_for_itself_alone(at):
    start = timezone.now()
    at(start)
    with at(start + timedelta(days=1)):
        assert timezone.now() == start + timedelta(days=1)
    assert timezone.now() == start
