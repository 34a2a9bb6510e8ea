"""Settings for how long an API uses the keys of an issuer, and how often it fetches them. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass

from .flight import Limits


@dataclass(frozen=True, slots=True)
class Timing:
    """The timings by which keys are used and fetched. Times are in seconds.

    A copy of the JWKS is used for at most `fresh_at_most` + `stale` + `deadline`. The issuer's timing `api_copy`, by
    which the issuer computes the dates of a rotation, must not be shorter than this sum.
    """

    fresh: float = 300
    fresh_at_least: float = 60
    fresh_at_most: float = 3600
    stale: float = 3600
    deadline: float = 5
    refresh_at: float = 0.8
    jitter: float = 0.1
    unknown_attempts: int = 2
    unknown_every: float = 10
    unknown_remembered: int = 128
    unknown_for: float = 60
    waiters: int = 8
    patience: float = 2
    longest_backoff: float = 60

    @property
    def longest_use(self) -> float:
        """Return the longest time, in seconds, for which a copy of the JWKS is used."""
        # The issuer relies on it: tests/tokens/keys/rules/test_policy.py compares it with the policies' `api_copy`.
        return self.fresh_at_most + self.stale + self.deadline

    def fresh_for(self, max_age: float | None) -> float:
        """Return the seconds for which fetched keys are fresh: `max_age` or, if `max_age` is None, `fresh`.

        `max_age` is the seconds in the issuer's Cache-Control. The result is at least `fresh_at_least`, and at most
        `fresh_at_most`.
        """
        return min(self.fresh_at_most, max(self.fresh_at_least, self.fresh if max_age is None else max_age))

    @property
    def limits(self) -> Limits:
        """Return the limits of fetches: `deadline`, `waiters`, `patience` and `longest_backoff`."""
        return Limits(
            deadline=self.deadline,
            waiters=self.waiters,
            patience=self.patience,
            longest_backoff=self.longest_backoff,
        )


PRODUCTION = Timing()
# In development, a copy of the JWKS is used for 12 s at most, so that a rotation takes less than two minutes.
DEVELOPMENT = Timing(fresh=5, fresh_at_least=5, fresh_at_most=5, stale=5, deadline=2, longest_backoff=2)
POLICIES: Mapping[str, Timing] = {"production": PRODUCTION, "development": DEVELOPMENT}
