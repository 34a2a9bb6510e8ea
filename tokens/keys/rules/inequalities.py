"""The inequalities between the timings of a policy. Pure.

A step is a transaction that changes the keys of a key ring, such as a rotation. A step may take at most clock_error.
`slower` computes longer timings for a machine on which a step takes longer. The letters in formulas are those of
`policy`.
"""

from collections.abc import Iterator
from dataclasses import fields, replace
from datetime import timedelta
from math import ceil

from tokens.keys.rules.policy import Policy
from tokens.languages import sentence


def problems(policy: Policy) -> Iterator[str]:
    """Yield each inequality that the policy violates, with its numbers and the timings to change."""
    yield from _zero(policy)
    for inequality in (_propagation, _reread, _standby, _whole_seconds, _last_signature):
        if problem := inequality(policy):
            yield problem


def _zero(policy: Policy) -> Iterator[str]:
    """Yield a problem for each timing that is zero or negative."""
    for field in fields(Policy):
        if getattr(policy, field.name) <= timedelta(0):
            yield sentence(
                "{name} is {value}; it must be longer than zero", name=field.name, value=getattr(policy, field.name)
            )


def _propagation(policy: Policy) -> str | None:
    """Return the problem if a key would sign before every API has it, else None."""
    if policy.announce >= policy.propagation:
        return None
    return sentence(
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


def _reread(policy: Policy) -> str | None:
    """Return the problem if a single failed read of a snapshot would prevent signing, else None."""
    if 2 * policy.reread <= policy.snapshot_age:
        return None
    return sentence(
        "2 x reread ({reread}) is longer than N = snapshot_age ({snapshot_age}): one failed read"
        " would stop signing; lower reread or raise snapshot_age",
        reread=policy.reread,
        snapshot_age=policy.snapshot_age,
    )


def _standby(policy: Policy) -> str | None:
    """Return the problem if no standby would be ready when the signing key has signed for `rotate_every`, else None."""
    if policy.rotate_every >= policy.announce:
        return None
    return sentence(
        "rotate_every ({rotate_every}) is shorter than announce ({announce}): no standby would be"
        " ready in time; raise rotate_every or lower announce",
        rotate_every=policy.rotate_every,
        announce=policy.announce,
    )


def _whole_seconds(policy: Policy) -> str | None:
    """Return the problem if shared_cache, the max-age of the JWKS, is not one or more whole seconds, else None.

    HTTP has max-age in whole seconds (RFC 9111 section 1.2.2).
    """
    if policy.shared_cache >= timedelta(seconds=1) and not policy.shared_cache % timedelta(seconds=1):
        return None
    return sentence(
        "shared_cache ({shared_cache}) is the JWKS's max-age, which HTTP has in seconds: round it up",
        shared_cache=policy.shared_cache,
    )


def _last_signature(policy: Policy) -> str | None:
    """Return the problem if a node could sign with a key that is not published any more, else None."""
    if policy.keep >= policy.last_signature:
        return None
    return sentence(
        "keep ({keep}) is shorter than N + 2δ = snapshot_age ({snapshot_age}) + 2 x clock_error"
        " ({clock_error}) = {last_signature}: raise keep",
        keep=policy.keep,
        snapshot_age=policy.snapshot_age,
        clock_error=policy.clock_error,
        last_signature=policy.last_signature,
    )


def slower(policy: Policy, took: timedelta) -> dict[str, int]:
    """Return longer values for some timings of `policy`, so that a step may take twice as long as `took`.

    The values are seconds, by the name of the timing. Timings that need no longer value are left out. If `policy`
    satisfies all inequalities, it also satisfies them with the longer values.
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
