"""The audit event of every step that changes keys.

It has the actor, the subject, old and new dates, and the timings that the step assumed.
"""

from dataclasses import replace
from datetime import timedelta
from unittest.mock import patch

import pytest

from tests.clock import database_at
from tests.tokens.factories import operation
from tests.tokens.keys.by_hand import by_hand
from tokens.conf import issuer
from tokens.encryption import parse
from tokens.keys import cancellation, rewrap, rotation, store, transfer
from tokens.keys.revocation import revoke
from tokens.keys.rings import RingKind
from tokens.keys.rules.policy import PRODUCTION
from tokens.models import Api, AuditEvent, SigningKey

pytestmark = pytest.mark.django_db
LONG = replace(PRODUCTION, token_lifetime=timedelta(days=30))
API = "https://orders.example/"


class Operator:
    """An operator who takes steps of a rotation at `now`, an instant that the test chooses."""

    def __init__(self):
        self.now = store.database_now()

    def operation(self, **changes):
        return operation(self.now, actor="user:alice", **changes)

    def rotate(self, ring="default", *, policy=PRODUCTION, **options):
        return rotation.rotate(self.operation(policy=policy), ring, **options)

    def standby(self):
        return SigningKey.objects.get(ring__name="default", signs_at=None, revoked_at=None, cancelled_at=None)

    def signing(self):
        return SigningKey.objects.filter(signs_at__lte=self.now).latest("signs_at")


@pytest.fixture
def operator():
    operator = Operator()
    with database_at(lambda: operator.now):
        yield operator


def created(operator):
    return [operator.rotate().kid]


def announced(operator):
    """Make the standby key unusable in the database, and take a rotation step, which announces another key.

    Return a list with the kid of the new key.
    """
    operator.rotate()
    lost = SigningKey.objects.filter(signs_at=None)
    store_of = {"sealed": None, "private_destroyed_at": operator.now, "cancelled_at": operator.now}
    kid = lost.get().kid
    by_hand(lost, **store_of)
    reseal(kid)
    return [operator.rotate().kid]


def reseal(kid):
    """Write both MACs of a key's row again, as a process that has the encryption key does."""
    row = SigningKey.objects.select_related("ring").get(kid=kid)
    stored = store._stored(row)
    with patch.object(SigningKey, "save"):
        store._write(row, stored.key, issuer().encryption_keys()[0])
    by_hand(SigningKey.objects.filter(kid=kid), mac=row.mac, vouched=row.vouched)


def planned(operator):
    operator.rotate()
    return [operator.rotate(early=True).kid, operator.signing().kid]


def lengthened(operator):
    operator.rotate()
    assert operator.rotate(policy=LONG).step == "lengthened"
    return [operator.signing().kid, operator.standby().kid]


def destroyed(operator):
    operator.rotate()
    old = operator.signing().kid
    operator.now = operator.rotate(early=True).at + PRODUCTION.last_signature
    assert operator.rotate().step == "destroyed"
    return [old]


def cancelled(operator):
    operator.rotate()
    kid = operator.standby().kid
    cancellation.cancel(operator.operation(), kid)
    return [kid, operator.standby().kid]


def revoked(operator):
    operator.rotate()
    operator.now += timedelta(days=3)
    kid, successor = operator.signing().kid, operator.standby().kid
    revoke(operator.operation(), kid, reason="leaked")
    return [kid, successor]


def policy_adopted(operator):
    operator.rotate()
    assert operator.rotate(policy=replace(PRODUCTION, keep=timedelta(days=9))).step == "nothing"
    return []


def rewrapped(operator):
    operator.rotate()
    keys = (*parse(["N" * 43]), *issuer().encryption_keys())
    rewrap.rewrap(operator.operation(encryption_keys=keys))
    return []


@pytest.mark.parametrize(
    ("step", "action", "subject", "changes"),
    [
        (created, "key.created", "key:", {"announced_at", "signs_at", "max_lifetime"}),
        (announced, "key.announced", "key:", {"announced_at", "max_lifetime"}),
        (planned, "key.planned", "key:", {"signs_at", "withdraw_at"}),
        (lengthened, "key.lengthened", "ring:default", {"max_lifetime"}),
        (destroyed, "key.destroyed", "key:", {"private_destroyed_at"}),
        (cancelled, "key.cancelled", "key:", {"cancelled_at", "private_destroyed_at"}),
        (revoked, "key.revoked", "key:", {"revoked_at", "private_destroyed_at", "signs_at"}),
        (policy_adopted, "ring.policy_adopted", "ring:default", set()),
        (rewrapped, "key.rewrapped", "ring:default", set()),
    ],
    ids=lambda value: value.__name__ if callable(value) else "",
)
def test_the_event_of_a_step_has_actor_subject_changed_dates_and_timings(operator, step, action, subject, changes):
    kids = step(operator)
    event = AuditEvent.objects.filter(action=action).latest("pk")
    assert event.actor == "user:alice"
    assert event.subject == subject + (kids[0] if subject == "key:" else "")
    assert set(event.details["policy"]) == set(PRODUCTION.to_json())
    recorded = event.details["keys"]
    assert set(kids) <= set(recorded)
    changed = {name for kid in kids for name in recorded[kid]["after"] if differs(recorded[kid], name)}
    assert changed >= changes
    for kid in kids:
        assert recorded[kid]["after"] == dates(kid), "the event has the dates that were written"


def differs(change, name):
    return (change["before"] or {}).get(name) != change["after"][name]


def dates(kid):
    row = SigningKey.objects.get(kid=kid)
    text = {name: getattr(row, name).isoformat() if getattr(row, name) else None for name in store.DATES}
    return text | {"max_lifetime": row.max_lifetime.total_seconds()}


def test_the_event_of_adopted_timings_has_those_before_and_after_and_until_when_the_old_ones_count(operator):
    operator.rotate(policy=LONG)
    outcome = operator.rotate()
    assert outcome.message.startswith("adopted changed timings; ")
    event = AuditEvent.objects.get(action="ring.policy_adopted")
    before, after = event.details["timings"]["before"], event.details["timings"]["after"]
    assert (before["obeyed"]["token_lifetime"], before["assumed"], before["assumed_until"]) == (2_592_000, None, None)
    assert (after["obeyed"]["token_lifetime"], after["assumed"]["token_lifetime"]) == (3600, 2_592_000)
    assert after["assumed_until"] == (operator.now + LONG.settles).isoformat()
    assert event.details["policy"]["token_lifetime"] == 2_592_000, "plans go by the longer one"


def test_the_event_of_a_move_has_both_rings_and_both_instants(operator):
    operator.rotate()
    operator.rotate("orders", kind=RingKind(algorithm="ES256"))
    Api.objects.create(identifier=API, name="Orders", algorithms=["RS256", "ES256"])
    done = transfer.move(operator.operation(), API, "orders")
    event = AuditEvent.objects.get(action="api.moved")
    assert (event.actor, event.subject) == ("user:alice", f"api:{API}")
    assert event.details == {
        "from": "default",
        "to": "orders",
        "at": done.at.isoformat(),
        "settled_at": done.settled_at.isoformat(),
        "policy": PRODUCTION.to_json(),
    }


def test_a_dry_run_writes_no_event(operator):
    operator.rotate()
    before = AuditEvent.objects.count()
    operator.rotate(early=True, dry_run=True, policy=LONG)
    assert AuditEvent.objects.count() == before
