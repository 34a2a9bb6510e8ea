"""The timings of the life of a key, and the inequalities between them. Pure.

The letters in formulas: N snapshot_age, C shared_cache, T api_copy, δ clock_error, L token_lifetime, S leeway.

| promise | formula | name | in production |
|---|---|---|---|
| P1: every API has a key before it signs | N + C + T + 2δ | `propagation` | 24 h 9 min |
| P2: a key is published until its last token expires | N + L + S + 4δ | `last_acceptance` | 71 min |
| P3: no API accepts a key that was revoked before | N + C + T + 2δ | `rejection` | 24 h 9 min |
| P4: every node has read the plan of a switch | N | `switch` | 2 min |
| P6: every fetch returns the key of a flush | N + C + 2δ | `refetch` | 9 min |
| no node signs with a superseded key | N + 2δ | `last_signature` | 4 min |
"""

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, fields, replace
from datetime import timedelta
from math import ceil
from typing import Self

from tokens.languages import sentence

TIMINGS = ("snapshot_age", "shared_cache", "api_copy", "clock_error", "token_lifetime", "leeway")
"""The timings that promises depend on. A raised value counts at once, a lowered one after the old one has elapsed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """The timings of a ring: the longest time that each stage of a rotation can take."""

    snapshot_age: timedelta
    """N: oldest snapshot of the ring that a node signs or serves from."""
    reread: timedelta
    """Age at which a node reads its snapshot again; below N."""
    shared_cache: timedelta
    """C: life of a JWKS response in shared caches; its max-age."""
    api_copy: timedelta
    """T: longest time that an API uses its copy of the JWKS."""
    clock_error: timedelta
    """δ: largest error of any clock, in both directions; also the longest transaction of a step."""
    token_lifetime: timedelta
    """L: longest token that a new key may sign."""
    leeway: timedelta
    """S: largest leeway that a conforming API grants after `exp`."""
    announce: timedelta
    """How long a key is published before it signs, unless an operator plans the switch early."""
    rotate_every: timedelta
    """How long a key signs."""
    keep: timedelta
    """How long a retired key stays published, at least."""

    @property
    def propagation(self) -> timedelta:
        """Return the time from publishing a key until every conforming API has fetched it: N + C + T + 2δ (P1)."""
        return self.snapshot_age + self.shared_cache + self.api_copy + 2 * self.clock_error

    @property
    def refetch(self) -> timedelta:
        """Return N + C + 2δ: after this time, every fetch of the JWKS returns a key that was announced (P6)."""
        return self.snapshot_age + self.shared_cache + 2 * self.clock_error

    @property
    def flush(self) -> timedelta:
        """Return the default time from a revocation to its flush: `announce`, or the bound of P1 if that is longer."""
        return max(self.announce, self.propagation)

    @property
    def rejection(self) -> timedelta:
        """Return N + C + T + 2δ: after this time, no conforming API accepts a revoked key, by any clock (P3)."""
        return self.snapshot_age + self.shared_cache + self.api_copy + 2 * self.clock_error

    @property
    def switch(self) -> timedelta:
        """Return N: every node reads the plan of a switch within this time (P4)."""
        return self.snapshot_age

    @property
    def last_signature(self) -> timedelta:
        """Return N + 2δ: this long after its successor's start, no node signs with a key any more."""
        return self.snapshot_age + 2 * self.clock_error

    def last_acceptance(self, max_lifetime: timedelta) -> timedelta:
        """Return N + max_lifetime + S + 4δ: this long after its successor's start, no token of a key is valid (P2)."""
        return self.snapshot_age + max_lifetime + self.leeway + 4 * self.clock_error

    @property
    def settles(self) -> timedelta:
        """Return the time after which no copy, plan or token depends on this policy, once it is replaced."""
        return self.propagation + self.last_acceptance(self.token_lifetime)

    def to_json(self) -> dict[str, float]:
        """Return the timings in seconds, by name."""
        return {name: value.total_seconds() for name, value in asdict(self).items()}

    @classmethod
    def from_json(cls, seconds: Mapping[str, float]) -> Self:
        """Return the policy of timings in seconds: the inverse of `to_json`."""
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
    """Return the policy with some timings changed, in seconds. Raises ValueError for an unknown name."""
    if unknown := seconds.keys() - {field.name for field in fields(Policy)}:
        raise ValueError(f"there is no key timing {', '.join(sorted(unknown))}")
    return replace(policy, **{name: timedelta(seconds=value) for name, value in seconds.items()})


def problems(policy: Policy) -> Iterator[str]:
    """Yield each inequality that the policy violates, with its numbers and the timings to change."""
    for field in fields(Policy):
        if getattr(policy, field.name) <= timedelta(0):
            yield sentence(
                "{name} is {value}; it must be longer than zero", name=field.name, value=getattr(policy, field.name)
            )
    if policy.announce < policy.propagation:
        yield (
            sentence(
                "announce ({announce}) is shorter than N + C + T + 2δ = snapshot_age ({snapshot_age}) +"
                " shared_cache ({shared_cache}) + api_copy ({api_copy}) + 2 x clock_error ({clock_error}) ="
                " {propagation}: raise announce or lower one of those",
                announce=policy.announce,
                snapshot_age=policy.snapshot_age,
                shared_cache=policy.shared_cache,
                api_copy=policy.api_copy,
                clock_error=policy.clock_error,
                propagation=policy.propagation,
            )
        )
    if 2 * policy.reread > policy.snapshot_age:
        yield (
            sentence(
                "2 x reread ({reread}) is longer than N = snapshot_age ({snapshot_age}): one failed read"
                " would stop signing; lower reread or raise snapshot_age",
                reread=policy.reread,
                snapshot_age=policy.snapshot_age,
            )
        )
    if policy.rotate_every < policy.announce:
        yield (
            sentence(
                "rotate_every ({rotate_every}) is shorter than announce ({announce}): no standby would be"
                " ready in time; raise rotate_every or lower announce",
                rotate_every=policy.rotate_every,
                announce=policy.announce,
            )
        )
    if policy.shared_cache < timedelta(seconds=1) or policy.shared_cache % timedelta(seconds=1):
        yield sentence(
            "shared_cache ({shared_cache}) is the JWKS's max-age, which HTTP has in seconds: round it up",
            shared_cache=policy.shared_cache,
        )
    if policy.keep < policy.last_signature:
        yield (
            sentence(
                "keep ({keep}) is shorter than N + 2δ = snapshot_age ({snapshot_age}) + 2 x clock_error"
                " ({clock_error}) = {last_signature}: raise keep",
                keep=policy.keep,
                snapshot_age=policy.snapshot_age,
                clock_error=policy.clock_error,
                last_signature=policy.last_signature,
            )
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
    """Return `other` with each of `TIMINGS` raised to its value in `policy`, if that is longer."""
    longer = {name: max(getattr(policy, name), getattr(other, name)) for name in TIMINGS}
    return replace(other, **longer)
