from functools import reduce
from operator import and_

from django.db import migrations, models
from django.db.models import F, Q

from tokens.triggers import changed, refuse, refuse_replacing

TIMINGS = ("snapshot_age", "shared_cache", "api_copy", "clock_error", "token_lifetime", "leeway")
POLICY = [
    "snapshot_age",
    "reread",
    "shared_cache",
    "api_copy",
    "clock_error",
    "token_lifetime",
    "leeway",
    "announce",
    "rotate_every",
    "keep",
]
KEY, RING = "tokens_signingkey", "tokens_ring"
SEALED = changed(
    "sealed",
    "encryption_key_id",
    "max_lifetime",
    "signs_at",
    "withdraw_at",
    "revoked_at",
    "cancelled_at",
    "private_destroyed_at",
)


def whole_policy(column):
    numbers = (Q(**{f"{column}__{name}__gt": 0, f"{column}__{name}__lt": 1e10}) for name in POLICY)
    return reduce(and_, numbers, Q(**{f"{column}__has_keys": POLICY}))


def lowered(number):
    """Return the SQL condition that an UPDATE of a key ring lowers an assumed timing before `assumed_until`.

    Dates of keys are computed from the assumed timings. `number` is the SQL of a timing in a JSON column.
    """
    before = "CASE WHEN OLD.assumed IS NULL OR OLD.assumed_until <= {now} THEN OLD.policy ELSE OLD.assumed END"
    return " OR ".join(
        f"{number.format('COALESCE(NEW.assumed, NEW.policy)', name)} < {number.format(before, name)}"
        for name in TIMINGS
    )


def withdrawn_too_early(before, instant):
    """Return the SQL condition that the key before NEW is withdrawn while one of its tokens can still be valid.

    That token was signed just before NEW starts. `before` and `instant` are the SQL of the token's lifetime and of a
    date.
    """
    own = "other.ring_id = NEW.ring_id AND other.id <> NEW.id AND other.cancelled_at IS NULL"
    started = f"{own} AND (other.revoked_at IS NULL OR other.revoked_at > other.signs_at)"
    return (
        f"{changed('signs_at')} AND EXISTS (SELECT 1 FROM {KEY} AS other WHERE {own} AND other.revoked_at IS NULL"
        f" AND other.signs_at < NEW.signs_at AND {instant.format('other.withdraw_at')} <"
        f" {instant.format('NEW.signs_at')} + {before}"
        f" AND other.signs_at = (SELECT max(other.signs_at) FROM {KEY} AS other"
        f" WHERE {started} AND other.signs_at < NEW.signs_at))"
    )


def checks(model, **conditions):
    return (
        migrations.AddConstraint(model_name=model, constraint=models.CheckConstraint(condition=condition, name=name))
        for name, condition in conditions.items()
    )


class Migration(migrations.Migration):
    dependencies = [
        ("tokens", "0015_bounded_lifetimes"),
    ]

    operations = [
        *checks(
            "ring",
            ring_has_a_whole_policy=whole_policy("policy"),
            ring_assumes_a_whole_policy_until_an_instant=(
                Q(assumed__isnull=True, assumed_until=None)
                | (Q(assumed__isnull=False, assumed_until__isnull=False) & whole_policy("assumed"))
            ),
        ),
        *checks(
            "signingkey",
            key_that_signs_has_its_private_half=(
                Q(private_destroyed_at=None)
                | Q(withdraw_at__isnull=False)
                | Q(revoked_at__isnull=False)
                | Q(cancelled_at__isnull=False)
            ),
            key_that_ended_has_no_private_half=Q(revoked_at=None, cancelled_at=None) | Q(sealed=None),
            key_is_revoked_or_cancelled_not_both=Q(revoked_at=None) | Q(cancelled_at=None),
            key_ends_after_it_is_announced=(
                (Q(revoked_at=None) | Q(revoked_at__gte=F("announced_at")))
                & (Q(cancelled_at=None) | Q(cancelled_at__gte=F("announced_at")))
                & (Q(private_destroyed_at=None) | Q(private_destroyed_at__gte=F("announced_at")))
            ),
            key_is_cancelled_before_it_signs=(
                Q(cancelled_at=None) | Q(signs_at=None) | Q(cancelled_at__lt=F("signs_at"))
            ),
        ),
        # SQLite made both tables anew for these, and forgot their triggers: here is every one there is.
        *(
            refuse(f"{table}_stays", event="DELETE", table=f"tokens_{table}", message=f"{table} rows are kept for ever")
            for table in ("ring", "signingkey")
        ),
        *(
            refuse(
                f"{table}_is_never_emptied",
                event="TRUNCATE",
                table=f"tokens_{table}",
                message=f"{table} rows are kept for ever, all of them",
            )
            for table in ("ring", "signingkey")
        ),
        refuse_replacing(
            "ring_is_never_replaced", table=RING, unique=("id", "name"), message="a ring of that name is there"
        ),
        refuse_replacing(
            "signingkey_is_never_replaced", table=KEY, unique=("id", "kid"), message="a key of that kid is there"
        ),
        refuse(
            "ring_keeps_its_algorithm",
            event="UPDATE",
            table=RING,
            message="a ring keeps its name, algorithm, size and keystore for life",
            when=changed("id", "name", "algorithm", "keystore", "bits"),
        ),
        refuse(
            "ring_assumes_what_may_still_live",
            event="UPDATE",
            table=RING,
            message="a ring plans by its longer timings until they have run out",
            when={
                vendor: f"NEW.assumed_until < OLD.assumed_until OR {lowered(number)}"
                for vendor, number in {
                    "postgresql": "(({}) ->> '{}')::float8",
                    "sqlite": "json_extract({}, '$.{}')",
                }.items()
            },
        ),
        refuse(
            "signingkey_is_what_it_was",
            event="UPDATE",
            table=KEY,
            message="a signing key is what it was: ring, kid, public half and announcement never change",
            when=changed("id", "ring_id", "kid", "public_jwk", "announced_at"),
        ),
        refuse(
            "signingkey_is_sealed_anew",
            event="UPDATE",
            table=KEY,
            message="a signing key changes together with its MAC, and the MAC with the key",
            when=f"(OLD.mac <> NEW.mac) <> ({SEALED})",
        ),
        refuse(
            "signingkey_keeps_its_private_half",
            event="UPDATE",
            table=KEY,
            message="a private half is sealed anew under another encrypting key, or destroyed; nothing else",
            when=(
                "OLD.sealed IS NOT NULL AND NEW.sealed IS NOT NULL"
                " AND (OLD.sealed <> NEW.sealed) <> (OLD.encryption_key_id <> NEW.encryption_key_id)"
            ),
        ),
        refuse(
            "signingkey_keeps_its_start",
            event="UPDATE",
            table=KEY,
            message="the start of a signing key does not move once it signs or has a successor",
            when=(
                f"OLD.signs_at IS NOT NULL AND NEW.signs_at IS NOT NULL AND {changed('signs_at')}"
                " AND (OLD.withdraw_at IS NOT NULL OR OLD.signs_at <= {began})"
            ),
        ),
        refuse(
            "signingkey_starts_before_the_other_is_gone",
            event="UPDATE",
            table=KEY,
            message="a signing key starts while the one before it stays for as long as its tokens live",
            when={
                "postgresql": withdrawn_too_early("other.max_lifetime", "{}"),
                "sqlite": withdrawn_too_early("other.max_lifetime / 86400000000.0", "julianday({})"),
            },
            reading=True,
        ),
        refuse(
            "signingkey_is_withdrawn_no_earlier",
            event="UPDATE",
            table=KEY,
            message="the withdrawal of a signing key only ever moves later",
            when="OLD.withdraw_at IS NOT NULL AND (NEW.withdraw_at IS NULL OR NEW.withdraw_at < OLD.withdraw_at)",
        ),
        refuse(
            "signingkey_stays_ended",
            event="UPDATE",
            table=KEY,
            message="a signing key stays planned, revoked, cancelled and destroyed, for the reason that was given",
            when=(
                f"(OLD.revoked_at IS NOT NULL AND ({changed('revoked_at')}))"
                f" OR (OLD.cancelled_at IS NOT NULL AND ({changed('cancelled_at')}))"
                f" OR (OLD.private_destroyed_at IS NOT NULL AND ({changed('private_destroyed_at')}))"
                " OR (OLD.sealed IS NULL AND NEW.sealed IS NOT NULL)"
                " OR (OLD.signs_at IS NOT NULL AND NEW.signs_at IS NULL)"
                " OR (OLD.revoke_reason <> '' AND NEW.revoke_reason <> OLD.revoke_reason)"
            ),
        ),
        refuse(
            "signingkey_signs_no_longer_for_less",
            event="UPDATE",
            table=KEY,
            message="the longest token of a signing key only ever grows",
            when="NEW.max_lifetime < OLD.max_lifetime",
        ),
        refuse(
            "api_moves_by_a_plan",
            event="UPDATE",
            table="tokens_api",
            message="an API moves to another ring at a planned instant, which is put off only: manage.py rotate_keys --move",
            when=(
                f"({changed('ring_id', 'previous_ring_id', 'moves_at')}) AND NOT COALESCE("
                "NEW.moves_at > {now} AND NEW.moves_at > COALESCE(OLD.moves_at, {now}) AND CASE"
                f" WHEN {changed('ring_id')} THEN COALESCE(NEW.previous_ring_id, 0) = COALESCE(OLD.ring_id, 0)"
                f" ELSE NOT {changed('previous_ring_id')} AND OLD.moves_at > {{now}} END, FALSE)"
            ),
        ),
    ]
