"""The numbers that the life of a key goes by, and the inequalities they must satisfy. Pure.

The letters of its formulas: N snapshot_age, C shared_cache, T api_copy, δ clock_error,
L token_lifetime, S leeway.
"""

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, fields, replace
from datetime import timedelta
from math import ceil
from typing import Self

TIMINGS = ("snapshot_age", "shared_cache", "api_copy", "clock_error", "token_lifetime", "leeway")
"""The numbers that promises rest on: raised at once, lowered only after the old value has elapsed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """How long everything takes, in the worst case that is still obedient."""

    snapshot_age: timedelta
    """N: oldest snapshot of the ring that a node signs or serves from."""
    reread: timedelta
    """Age at which a node reads its snapshot again; below N."""
    shared_cache: timedelta
    """C: life of a JWKS response in shared caches; its max-age."""
    api_copy: timedelta
    """T: longest time that an API uses its copy of the JWKS."""
    clock_error: timedelta
    """δ: how far any clock may be off, either way; also bounds the transaction that plans."""
    token_lifetime: timedelta
    """L: longest token that a key made from now on may sign."""
    leeway: timedelta
    """S: largest leeway that an obedient API grants after `exp`."""
    announce: timedelta
    """How long a key is published before it signs, unless somebody is in a hurry."""
    rotate_every: timedelta
    """How long a key signs."""
    keep: timedelta
    """How long a retired key stays published at the least."""

    @property
    def propagation(self) -> timedelta:
        """N + C + T + 2δ: after this, every obedient API has what was published (P1)."""
        return self.snapshot_age + self.shared_cache + self.api_copy + 2 * self.clock_error

    @property
    def refetch(self) -> timedelta:
        """N + C + 2δ: after this, every fetch of the JWKS returns what was published."""
        return self.snapshot_age + self.shared_cache + 2 * self.clock_error

    @property
    def flush(self) -> timedelta:
        """How long after a revocation the flush is, unless an operator shortens it: `announce`, and never below P1."""
        return max(self.announce, self.propagation)

    @property
    def rejection(self) -> timedelta:
        """N + C + T + 2δ: after it was revoked, no obedient API has a key any more, by whoever's clock (P3)."""
        return self.snapshot_age + self.shared_cache + self.api_copy + 2 * self.clock_error

    @property
    def switch(self) -> timedelta:
        """N: a switch planned this far ahead is known to every node before it happens."""
        return self.snapshot_age

    @property
    def last_signature(self) -> timedelta:
        """N + 2δ: after its successor's start, no node signs with a key any more."""
        return self.snapshot_age + 2 * self.clock_error

    def last_acceptance(self, max_lifetime: timedelta) -> timedelta:
        """N + max_lifetime + S + 4δ: after its successor's start, no token of a key is valid any more (P2)."""
        return self.snapshot_age + max_lifetime + self.leeway + 4 * self.clock_error

    @property
    def settles(self) -> timedelta:
        """After this, nothing lives by the policy's timings that began while they were in force."""
        return self.propagation + self.last_acceptance(self.token_lifetime)

    def to_json(self) -> dict[str, float]:
        """The numbers in seconds."""
        return {name: value.total_seconds() for name, value in asdict(self).items()}

    @classmethod
    def from_json(cls, seconds: Mapping[str, float]) -> Self:
        """The inverse of `to_json`."""
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
    """The policy with single timings changed, in seconds; raises ValueError for a name that it does not have."""
    if unknown := seconds.keys() - {field.name for field in fields(Policy)}:
        raise ValueError(f"there is no key timing {', '.join(sorted(unknown))}")
    return replace(policy, **{name: timedelta(seconds=value) for name, value in seconds.items()})


def problems(policy: Policy) -> Iterator[str]:
    """Each inequality that the policy breaks, with its numbers and the settings to change."""
    for field in fields(Policy):
        if getattr(policy, field.name) <= timedelta(0):
            yield f"{field.name} is {getattr(policy, field.name)}; it must be longer than zero"
    if policy.announce < policy.propagation:
        yield (
            f"announce ({policy.announce}) is shorter than N + C + T + 2δ = snapshot_age ({policy.snapshot_age})"
            f" + shared_cache ({policy.shared_cache}) + api_copy ({policy.api_copy})"
            f" + 2 x clock_error ({policy.clock_error}) = {policy.propagation}: raise announce or lower one of those"
        )
    if 2 * policy.reread > policy.snapshot_age:
        yield (
            f"2 x reread ({policy.reread}) is longer than N = snapshot_age ({policy.snapshot_age}):"
            " one failed read would stop signing; lower reread or raise snapshot_age"
        )
    if policy.rotate_every < policy.announce:
        yield (
            f"rotate_every ({policy.rotate_every}) is shorter than announce ({policy.announce}):"
            " no standby would be ready in time; raise rotate_every or lower announce"
        )
    if policy.shared_cache < timedelta(seconds=1) or policy.shared_cache % timedelta(seconds=1):
        yield f"shared_cache ({policy.shared_cache}) is the JWKS's max-age, which HTTP has in seconds: round it up"
    if policy.keep < policy.last_signature:
        yield (
            f"keep ({policy.keep}) is shorter than N + 2δ = snapshot_age ({policy.snapshot_age})"
            f" + 2 x clock_error ({policy.clock_error}) = {policy.last_signature}: raise keep"
        )


def slower(policy: Policy, took: timedelta) -> dict[str, int]:
    """Return the timings, in seconds, to change so that a step may take twice as long as `took`.

    With them, the policy has no `problems`.
    """
    error = timedelta(seconds=ceil(2 * took.total_seconds()))
    wider = replace(policy, clock_error=error)
    wider = replace(wider, announce=max(wider.announce, wider.propagation), keep=max(wider.keep, wider.last_signature))
    wider = replace(wider, rotate_every=max(wider.rotate_every, wider.announce))
    return {
        field.name: ceil(getattr(wider, field.name).total_seconds())
        for field in fields(Policy)
        if getattr(wider, field.name) != getattr(policy, field.name)
    }


def raised(policy: Policy, other: Policy) -> Policy:
    """`other`, with every timing that is longer in `policy`."""
    longer = {name: max(getattr(policy, name), getattr(other, name)) for name in TIMINGS}
    return replace(other, **longer)
