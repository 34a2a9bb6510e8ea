"""The default ring in the database, at an instant that a test chooses."""

from datetime import timedelta

import pytest

from tests.clock import database_at
from tests.tokens.factories import operation
from tokens.keys import store
from tokens.keys.revocation import revoke
from tokens.keys.rotation import rotate
from tokens.keys.rules import lifecycle


class Ring:
    """The default ring at `now`, an instant that the test chooses."""

    def __init__(self):
        self.now = store.database_now()

    def at(self):
        """Let the database's clock show `now`."""
        return database_at(lambda: self.now)

    def rotate(self, **options):
        """Take the next step."""
        with self.at():
            return rotate(operation(self.now), **options)

    def revoke(self, kid, **options):
        """Revoke a key, or all."""
        with self.at():
            return revoke(operation(self.now), kid, reason="leaked", **options)

    def dates(self):
        """Return the dates of every key."""
        return [row.key for row in store.load("default")]

    def phases(self):
        """Return the phase of every key, by kid."""
        return {key.kid: lifecycle.phase(key, self.dates(), now=self.now) for key in self.dates()}

    def kid(self, phase):
        """Return the first key of that phase."""
        return next(kid for kid, actual in self.phases().items() if actual is phase)


@pytest.fixture
def ring():
    """Create the ring, and wait until every API has its standby."""
    created = Ring()
    created.rotate()
    created.now += timedelta(days=3)
    return created
