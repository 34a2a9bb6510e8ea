"""The default ring (set of signing keys) in the database, at an instant that a test chooses."""

from datetime import timedelta

import pytest

from tests.clock import database_at
from tests.tokens.factories import operation
from tokens.keys import store
from tokens.keys.revocation import revoke
from tokens.keys.rotation import rotate
from tokens.keys.rules import lifecycle


class Ring:
    """The default ring. Its methods take steps of a key rotation at `now`, an instant that the test chooses."""

    def __init__(self):
        self.now = store.database_now()

    def at(self):
        """Return a context manager: in its block, the database's clock shows `self.now`."""
        return database_at(lambda: self.now)

    def rotate(self, **options):
        """Take the next step of a rotation at `self.now`, and return its outcome. `options` are passed to `rotate`."""
        with self.at():
            return rotate(operation(self.now), **options)

    def revoke(self, kid, **options):
        """Revoke one key at the instant `self.now`, or all keys if `kid` is None. Return the outcome.

        `options` are passed to `revoke`.
        """
        with self.at():
            return revoke(operation(self.now), kid, reason="leaked", **options)

    def dates(self):
        """Return every key of the ring, with the dates of its life."""
        return [row.key for row in store.load("default")]

    def phases(self):
        """Return the phase of every key, by kid."""
        return {key.kid: lifecycle.phase(key, self.dates(), now=self.now) for key in self.dates()}

    def kid(self, phase):
        """Return the kid of the first key in the phase `phase`."""
        return next(kid for kid, actual in self.phases().items() if actual is phase)


@pytest.fixture
def ring():
    """Return the default ring, created three days before its `now`, so that every API has the standby key."""
    created = Ring()
    created.rotate()
    created.now += timedelta(days=3)
    return created
