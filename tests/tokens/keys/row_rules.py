"""All rules about keys that the database itself enforces.

The field `statements` of a rule has SQL that the rule refuses. The field `without` names the other rules that refuse
the same SQL.
"""

from tests.tokens.keys.row_rule import Rule, drop
from tests.tokens.keys.rows import (
    API,
    AUDIT,
    CANCELLED,
    EMPTY,
    FREE,
    GONE,
    KEY,
    LATER,
    LITERALS,
    MOVED,
    MOVES,
    NEW,
    NEXT,
    OLD,
    PLANNED,
    RETIRED,
    REVOKED,
    RING,
    SIGNING,
    SPENT,
    STANDBY,
    STAYS,
    key,
    lacking,
    policy,
    rewritten,
    ring,
    update,
)
from tokens.keys.rules.policy import PRODUCTION, TIMINGS


def aside(rule: Rule, vendor: str) -> list[str]:
    """Return the SQL statements that drop the other rules which `rule.without` names.

    Those rules also refuse the SQL in `rule.statements`. After they are dropped, only `rule` can refuse it.
    """
    others = [other for other in RULES if other.name in rule.without and vendor in other.vendors]
    return [statement for other in others for statement in drop(other, vendor)]


CHECKS = (
    Rule(
        "check",
        KEY,
        "key_signs_after_it_is_announced",
        (key(FREE, OLD, "new", signs_at="'2019-01-01'", revoked_at="'2020-03-01'", **GONE),),
    ),
    Rule(
        "check",
        KEY,
        "key_is_withdrawn_after_it_signed",
        (key(FREE, OLD, "new", signs_at="'2020-01-02'", withdraw_at="'2020-01-01'"),),
    ),
    Rule("check", KEY, "key_has_its_private_half_until_destroyed", (rewritten(RETIRED, sealed="NULL"),)),
    Rule("check", KEY, "key_that_signs_has_its_private_half", (rewritten(SIGNING, **GONE), rewritten(STANDBY, **GONE))),
    Rule("check", KEY, "key_that_ended_has_no_private_half", (rewritten(RETIRED, revoked_at="'2020-07-01'"),)),
    Rule("check", KEY, "key_is_revoked_or_cancelled_not_both", (rewritten(CANCELLED, revoked_at="'2020-07-01'"),)),
    Rule(
        "check",
        KEY,
        "key_ends_after_it_is_announced",
        (
            rewritten(RETIRED, sealed="NULL", private_destroyed_at="'2019-12-31'"),
            rewritten(RETIRED, revoked_at="'2019-12-31'", **GONE),
            rewritten(STANDBY, cancelled_at="'2019-12-31'", **GONE),
        ),
    ),
    Rule("check", KEY, "key_is_cancelled_before_it_signs", (rewritten(SIGNING, cancelled_at="'2020-07-01'", **GONE),)),
    Rule(
        "check",
        RING,
        "ring_has_a_whole_policy",
        (
            *(
                update(RING, OLD, policy=value)
                for value in ("'{}'", "'[]'", policy(keep="a week"), policy(keep=0), policy(keep=None))
            ),
            *(update(RING, OLD, policy=lacking(name)) for name in PRODUCTION.to_json()),
        ),
    ),
    Rule(
        "check",
        RING,
        "ring_assumes_a_whole_policy_until_an_instant",
        (
            update(RING, OLD, assumed=policy()),
            update(RING, OLD, assumed_until="'2900-01-01'"),
            update(RING, OLD, assumed="'{}'", assumed_until="'2900-01-01'"),
        ),
    ),
)
INDEXES = (
    Rule(
        "index",
        KEY,
        "one_standby_per_ring",
        (key(FREE, OLD, "new"),),
        {"sqlite": "UNIQUE constraint failed: tokens_signingkey.ring_id"},
    ),
    Rule(
        "index",
        KEY,
        "one_unsuperseded_key_per_ring",
        (key(FREE, OLD, "new", signs_at="'2021-01-01'"), rewritten(STANDBY, signs_at="'2021-01-01'")),
        {"sqlite": "UNIQUE constraint failed: tokens_signingkey.ring_id"},
    ),
    Rule(
        "unique",
        KEY,
        "tokens_signingkey_kid_key",
        (key(FREE, LATER, "standby"),),
        {"sqlite": "UNIQUE constraint failed: tokens_signingkey.kid"},
        without=("signingkey_is_never_replaced",),
    ),
    Rule(
        "unique",
        RING,
        "tokens_ring_name_key",
        (ring(FREE, "old"),),
        {"sqlite": "UNIQUE constraint failed: tokens_ring.name"},
        without=("ring_is_never_replaced",),
    ),
)


def trigger(table: str, name: str, says: str, *statements: str, **options: tuple[str, ...]) -> Rule:
    return Rule("trigger", table, name, statements, dict.fromkeys(LITERALS, says), **options)


ON_POSTGRESQL, ON_SQLITE = {"vendors": ("postgresql",)}, {"vendors": ("sqlite",)}
TRIGGERS = (
    trigger(KEY, "signingkey_stays", "signingkey rows are kept for ever", f"DELETE FROM {KEY} WHERE id = {RETIRED}"),
    trigger(RING, "ring_stays", "ring rows are kept for ever", f"DELETE FROM {RING} WHERE id = {EMPTY}"),
    trigger(KEY, "signingkey_is_never_emptied", "all of them", f"TRUNCATE {KEY}", **ON_POSTGRESQL),
    trigger(
        RING,
        "ring_is_never_emptied",
        "ring rows are kept for ever, all of them",
        f"TRUNCATE {RING} CASCADE",
        without=("signingkey_is_never_emptied",),
        **ON_POSTGRESQL,
    ),
    trigger(
        KEY,
        "signingkey_is_never_replaced",
        "a key of that kid is there",
        key(FREE, OLD, "standby", into="INSERT OR REPLACE"),
        key(STANDBY, OLD, "new", into="INSERT OR REPLACE"),
        **ON_SQLITE,
    ),
    trigger(
        RING,
        "ring_is_never_replaced",
        "a ring of that name is there",
        ring(FREE, "empty", into="INSERT OR REPLACE"),
        ring(EMPTY, "other", into="INSERT OR REPLACE"),
        **ON_SQLITE,
    ),
    trigger(
        RING,
        "ring_keeps_its_algorithm",
        "a ring keeps its name",
        update(RING, EMPTY, name="'other'"),
        update(RING, EMPTY, algorithm="'none'"),
        update(RING, EMPTY, bits="4096"),
        update(RING, EMPTY, keystore="'pkcs11'"),
        update(RING, EMPTY, id=str(FREE)),
    ),
    trigger(
        RING,
        "ring_assumes_what_may_still_live",
        "a ring plans by its longer timings",
        update(RING, NEW, assumed="NULL", assumed_until="NULL"),
        update(RING, NEW, assumed_until="'2899-12-31'"),
        update(RING, NEW, assumed=policy(api_copy=89999.0)),
        *(update(RING, OLD, policy=policy(**{name: 0.5})) for name in TIMINGS),
    ),
    trigger(
        KEY,
        "signingkey_is_what_it_was",
        "a signing key is what it was",
        update(KEY, RETIRED, kid="'other'"),
        update(KEY, RETIRED, ring_id=str(LATER)),
        update(KEY, RETIRED, announced_at="'2019-12-31'"),
        update(KEY, RETIRED, public_jwk="""'{"kty": "RSA"}'"""),
        update(KEY, RETIRED, id=str(FREE)),
    ),
    trigger(
        KEY,
        "signingkey_is_sealed_anew",
        "a signing key changes together with its MAC",
        update(KEY, SIGNING, mac=":two"),
        update(KEY, SIGNING, sealed=":two", encryption_key_id="'second'"),
        update(KEY, SPENT, encryption_key_id="'second'"),
        update(KEY, SIGNING, max_lifetime="max_lifetime + :second"),
        update(KEY, PLANNED, signs_at="'2980-01-02'"),
        update(KEY, RETIRED, withdraw_at="'2031-01-01'"),
        update(KEY, RETIRED, **GONE),
        update(KEY, SPENT, revoked_at="'2020-07-01'"),
        update(KEY, STANDBY, cancelled_at="'2020-07-01'", **GONE),
    ),
    trigger(
        KEY,
        "signingkey_keeps_its_private_half",
        "a private half is sealed anew",
        rewritten(SIGNING, sealed=":two"),
        rewritten(SIGNING, encryption_key_id="'second'"),
    ),
    trigger(
        KEY,
        "signingkey_keeps_its_start",
        "the start of a signing key does not move",
        rewritten(SIGNING, signs_at="'2020-06-02'"),
        rewritten(NEXT, signs_at="'2989-12-31 23:00:01'"),
    ),
    trigger(
        KEY,
        "signingkey_starts_before_the_other_is_gone",
        "a signing key starts while the one before it stays",
        rewritten(PLANNED, signs_at="'2980-01-07 23:00:01'"),
    ),
    trigger(
        KEY,
        "signingkey_is_withdrawn_no_earlier",
        "the withdrawal of a signing key only ever moves later",
        rewritten(RETIRED, withdraw_at="'2029-12-31'"),
    ),
    trigger(
        KEY,
        "signingkey_stays_ended",
        "a signing key stays planned, revoked",
        rewritten(REVOKED, revoked_at="'2020-03-02'"),
        rewritten(CANCELLED, cancelled_at="'2020-03-02'"),
        rewritten(SPENT, private_destroyed_at="'2020-03-02'"),
        rewritten(SPENT, private_destroyed_at="NULL", sealed=":two"),
        rewritten(PLANNED, signs_at="NULL"),
        update(KEY, REVOKED, revoke_reason="'other'"),
    ),
    trigger(
        KEY,
        "signingkey_signs_no_longer_for_less",
        "the longest token of a signing key only ever grows",
        rewritten(SIGNING, max_lifetime=":second"),
    ),
    trigger(
        API,
        "api_moves_by_a_plan",
        "an API moves to another ring at a planned instant",
        update(API, STAYS, ring_id=str(NEW)),
        update(API, STAYS, ring_id=str(NEW), moves_at="'2020-01-01'"),
        update(API, STAYS, ring_id=str(NEW), previous_ring_id=str(OLD), moves_at="'2970-01-01'"),
        update(API, MOVES, previous_ring_id="NULL", moves_at="'2970-01-02'"),
        update(API, MOVES, moves_at="NULL"),
        update(API, MOVES, moves_at="'2969-12-31'"),
        update(API, MOVED, moves_at="'2970-01-01'"),
    ),
    trigger(AUDIT, "audit_is_never_rewritten", "append-only", f"UPDATE {AUDIT} SET actor = 'nobody'"),
    trigger(AUDIT, "audit_is_never_deleted", "append-only", f"DELETE FROM {AUDIT}"),
    trigger(AUDIT, "audit_is_never_emptied", "append-only", f"TRUNCATE {AUDIT}", **ON_POSTGRESQL),
)
RULES = CHECKS + INDEXES + TRIGGERS
ALLOWED = (
    rewritten(SIGNING, sealed=":two", encryption_key_id="'second'"),
    rewritten(SPENT, encryption_key_id="'second'"),
    rewritten(RETIRED, **GONE),
    rewritten(SPENT, revoked_at="'2020-07-01'"),
    rewritten(RETIRED, withdraw_at="'2030-01-02'", max_lifetime="max_lifetime + :second"),
    rewritten(PLANNED, signs_at="'2980-01-07 22:59:59'"),
    rewritten(PLANNED, signs_at="'2021-01-01'"),
    rewritten(NEXT, signs_at="'2969-01-01'"),
    rewritten(NEXT, signs_at="'2989-12-31 23:00:00'"),
    update(KEY, SPENT, revoke_reason="'leaked'"),
    update(RING, OLD, policy=policy(api_copy=90000.0)),
    update(RING, OLD, policy=policy(api_copy=80000.0), assumed=policy(), assumed_until="'2900-01-01'"),
    update(RING, NEW, policy=policy(api_copy=90000.0), assumed="NULL", assumed_until="NULL"),
    update(API, STAYS, ring_id=str(NEW), moves_at="'2970-01-01'"),
    update(API, MOVES, moves_at="'2970-01-02'"),
    update(API, MOVED, ring_id="NULL", previous_ring_id=str(NEW), moves_at="'2970-01-01'"),
)
"""Changes that steps write, in plain SQL."""


def expected(vendor: str) -> set[str]:
    """Return the names of the rules that a database of this vendor must have."""
    return {
        rule.name for rule in RULES if vendor in rule.vendors and not (vendor == "sqlite" and rule.kind == "unique")
    }
