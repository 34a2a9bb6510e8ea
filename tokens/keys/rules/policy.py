"""The timings of the life of a key, and the promises that follow from them (docs/why-rotation-is-safe.md). Pure.

The letters in formulas: N snapshot_age, C shared_cache, T api_copy, δ clock_error, L token_lifetime, S leeway.
A flush is a switch to a new key after a revocation. It makes verifiers drop the revoked key.

Each formula is a duration. It begins with the event in the column "from".

| promise | from | formula | name | in production |
|---|---|---|---|---|
| P1: every API has a key before it signs | its announcement | N + C + T + 2δ | `propagation` | 24 h 9 min |
| P2: a key is published until its tokens expire | its successor's start | N + L + S + 4δ | `last_acceptance` | 71 min |
| P3: no API accepts a revoked key any more | the revocation | N + C + T + 2δ | `rejection` | 24 h 9 min |
| P4: every node has read the date of a switch | its planning | N | `switch` | 2 min |
| P6: every fetch returns the new key of a flush | its announcement | N + C + 2δ | `refetch` | 9 min |
| no node signs with a superseded key | its successor's start | N + 2δ | `last_signature` | 4 min |
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from datetime import timedelta
from typing import Self

TIMINGS = ("snapshot_age", "shared_cache", "api_copy", "clock_error", "token_lifetime", "leeway")
"""The timings that promises depend on. Steps assume a raised value at once, and a lowered value later (`adoption`)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """The timings of a key ring: bounds of ages, lifetimes and clock errors, and the intervals of its rotation."""

    snapshot_age: timedelta
    """N: the greatest age of a snapshot of the key ring from which a node signs or serves keys."""
    reread: timedelta
    """The age at which a node reads its snapshot again, which is below N."""
    shared_cache: timedelta
    """C: the max-age of a JWKS response, for which shared caches may keep it."""
    api_copy: timedelta
    """T: the longest time for which an API uses its copy of the JWKS."""
    clock_error: timedelta
    """δ: the largest error of any clock, in both directions, and the longest transaction of a step."""
    token_lifetime: timedelta
    """L: the longest lifetime of a token that a new key may sign."""
    leeway: timedelta
    """S: the largest leeway that a conforming API grants after `exp`."""
    announce: timedelta
    """The time for which a key is published before it signs, unless an operator plans the switch early."""
    rotate_every: timedelta
    """The time for which a key signs."""
    keep: timedelta
    """The least time for which a retired key stays published."""

    @property
    def propagation(self) -> timedelta:
        """Return the time from publishing a key until every conforming API has fetched it.

        That is the bound of rule P1 (docs/why-rotation-is-safe.md).
        """
        return self.snapshot_age + self.shared_cache + self.api_copy + 2 * self.clock_error

    @property
    def refetch(self) -> timedelta:
        """Return the time from announcing a key until every fetch of the JWKS returns it.

        Rule P6 (docs/why-rotation-is-safe.md) needs this bound.
        """
        return self.snapshot_age + self.shared_cache + 2 * self.clock_error

    @property
    def flush(self) -> timedelta:
        """Return the default time from a revocation to its flush: `announce` or `propagation`, the longer of the two.

        The flush is a switch to a new key, which makes verifiers drop the revoked key.
        """
        return max(self.announce, self.propagation)

    @property
    def rejection(self) -> timedelta:
        """Return the time from a key's revocation until no conforming API accepts the key.

        This is the bound of rule P3 (docs/why-rotation-is-safe.md).
        """
        # Twice clock_error, because two clocks can be wrong.
        return self.snapshot_age + self.shared_cache + self.api_copy + 2 * self.clock_error

    @property
    def switch(self) -> timedelta:
        """Return the time within which every node reads the date of a switch: the snapshot_age."""
        return self.snapshot_age

    @property
    def last_signature(self) -> timedelta:
        """Return the time from the start of a key's successor until no node signs with the superseded key any more."""
        return self.snapshot_age + 2 * self.clock_error

    def last_acceptance(self, max_lifetime: timedelta) -> timedelta:
        """Return the time from the start of a key's successor until no token of the superseded key is valid.

        `max_lifetime` is the longest lifetime of a token that the superseded key may sign.
        """
        return self.snapshot_age + max_lifetime + self.leeway + 4 * self.clock_error

    @property
    def settles(self) -> timedelta:
        """Return the time from the replacement of this policy until nothing depends on the policy any more.

        Copies of the JWKS, planned dates and tokens can depend on a replaced policy.
        """
        return self.propagation + self.last_acceptance(self.token_lifetime)

    def to_json(self) -> dict[str, float]:
        """Return the timings in seconds, by name."""
        return {name: value.total_seconds() for name, value in asdict(self).items()}

    @classmethod
    def from_json(cls, seconds: Mapping[str, float]) -> Self:
        """Return the policy whose timings are `seconds`: numbers of seconds by name, as `to_json` returns them."""
        return cls(**{field.name: timedelta(seconds=seconds[field.name]) for field in fields(cls)})


PRODUCTION = Policy(
    snapshot_age=timedelta(seconds=120),
    reread=timedelta(seconds=15),
    shared_cache=timedelta(seconds=300),
    api_copy=timedelta(hours=24),
    clock_error=timedelta(seconds=60),
    token_lifetime=timedelta(hours=1),
    leeway=timedelta(seconds=300),
    announce=timedelta(hours=48),
    rotate_every=timedelta(days=90),
    keep=timedelta(days=7),
)
DEVELOPMENT = Policy(
    snapshot_age=timedelta(seconds=4),
    reread=timedelta(seconds=1),
    shared_cache=timedelta(seconds=2),
    api_copy=timedelta(seconds=12),
    clock_error=timedelta(seconds=1),
    token_lifetime=timedelta(seconds=30),
    leeway=timedelta(seconds=30),
    announce=timedelta(seconds=20),
    rotate_every=timedelta(seconds=30),
    keep=timedelta(seconds=30),
)
POLICIES = {"production": PRODUCTION, "development": DEVELOPMENT}


def changed(policy: Policy, seconds: Mapping[str, float]) -> Policy:
    """Return `policy` with the timings that `seconds` names set to these numbers of seconds.

    Raises ValueError if `seconds` has a name that is not the name of a timing.
    """
    if unknown := seconds.keys() - {field.name for field in fields(Policy)}:
        raise ValueError(f"there is no key timing {', '.join(sorted(unknown))}")
    return replace(policy, **{name: timedelta(seconds=value) for name, value in seconds.items()})


def raised(policy: Policy, other: Policy) -> Policy:
    """Return `other`, with each of `TIMINGS` raised to its value in `policy` if that value is longer."""
    longer = {name: max(getattr(policy, name), getattr(other, name)) for name in TIMINGS}
    return replace(other, **longer)
