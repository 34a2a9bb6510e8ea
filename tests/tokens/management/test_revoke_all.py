"""`revoke_key --all` revokes the keys of every ring, each ring in a transaction of its own."""

import json
from datetime import timedelta

import pytest
from django.core.management import CommandError, call_command
from django.db import IntegrityError, OperationalError

from tests.database_errors import raised
from tests.tokens.keys.by_hand import by_hand
from tests.tokens.management.key_commands import refused, run
from tests.tokens.terminal import typed
from tokens.keys.revocation import revoke
from tokens.models import AuditEvent, SigningKey

pytestmark = pytest.mark.django_db
ALL = ("revoke_key", "--all", "--reason", "leaked", "--accept-outage")


@pytest.fixture
def rings():
    """Create three key rings. Return the kids of each ring."""
    call_command("rotate_keys")
    for name in ("orders", "bills"):
        call_command("rotate_keys", ring=name, algorithm="ES256")
    return {name: unrevoked(name) for name in ("default", "bills", "orders")}


def unrevoked(ring):
    return set(SigningKey.objects.filter(ring__name=ring, revoked_at=None).values_list("kid", flat=True))


def test_every_ring_is_revoked_and_printed(rings):
    out = run(*ALL, "--yes")
    assert [line for line in out.splitlines() if line.startswith("ring ")] == [
        "ring default",
        "ring bills",
        "ring orders",
    ]
    for name, kids in rings.items():
        assert unrevoked(name).isdisjoint(kids)
        assert len(unrevoked(name)) == 2, "a fresh key and a fresh standby"
        assert all(kid in out for kid in kids)
    assert AuditEvent.objects.filter(action="key.revoked").count() == 6


def test_an_error_in_one_ring_does_not_stop_the_others_and_fails_the_command(rings, capsys):
    by_hand(SigningKey.objects.filter(kid__in=rings["bills"]), max_lifetime=timedelta(days=9))
    with pytest.raises(CommandError) as failed:
        call_command(*ALL, "--yes", "--json")
    printed = capsys.readouterr()
    assert [json.loads(line)["ring"] for line in printed.out.splitlines()] == ["default", "orders"]
    assert printed.err.startswith("bills: the row of ")
    assert failed.value.returncode == 5
    assert unrevoked("bills") == rings["bills"], "nothing of a ring that failed is done"
    assert unrevoked("default").isdisjoint(rings["default"])
    assert unrevoked("orders").isdisjoint(rings["orders"])


@pytest.fixture
def revocation_fails(monkeypatch):
    """Return a function that lets each revocation in a key ring raise `error`, also in a dry run."""

    def fail(in_ring, error):
        def unless_in_ring(*arguments, ring, **options):
            if ring == in_ring:
                raise error
            return revoke(*arguments, ring=ring, **options)

        monkeypatch.setattr("tokens.management.commands.revoke_key.revoke", unless_in_ring)

    return fail


ERRORS = {
    "an integrity error": (IntegrityError("a rule says no"), 3, "the database refused the change: a rule says no."),
    "a deadlock": (raised(OperationalError, "40P01"), 4, "another process or a time limit interrupted the command: "),
}


@pytest.mark.parametrize("kind", ERRORS)
def test_a_database_error_in_one_ring_does_not_stop_the_others(kind, rings, revocation_fails, capsys):
    error, code, message = ERRORS[kind]
    revocation_fails("bills", error)
    exit_code, text = refused(*ALL, "--yes")
    assert (exit_code, text.startswith(message)) == (code, True)
    assert unrevoked("orders").isdisjoint(rings["orders"])


@pytest.mark.parametrize("kind", ERRORS)
def test_the_command_asks_although_the_dry_run_of_one_ring_gets_a_database_error(
    kind, rings, revocation_fails, monkeypatch, capsys
):
    error, code, _ = ERRORS[kind]
    revocation_fails("bills", error)
    typed(monkeypatch, "yes")
    assert refused(*ALL)[0] == code
    assert unrevoked("orders").isdisjoint(rings["orders"])


def test_the_command_does_not_ask_if_the_database_cannot_be_used(rings, revocation_fails, monkeypatch, capsys):
    revocation_fails("bills", raised(OperationalError, "08006"))
    typed(monkeypatch)
    assert refused(*ALL)[0] == 4
    assert {name: unrevoked(name) for name in rings} == rings


def test_a_ring_whose_tokens_would_be_refused_waits_until_that_is_accepted(rings, capsys):
    code, message = refused("revoke_key", "--all", "--reason", "leaked", "--yes")
    assert (code, "--accept-outage" in message) == (3, True)
    assert unrevoked("default") == rings["default"]
    assert unrevoked("orders").isdisjoint(rings["orders"]), "it signs for nobody yet, so there is nothing to accept"


def test_one_ring_can_be_named(rings):
    run(*ALL, "--ring", "orders", "--yes")
    assert unrevoked("orders").isdisjoint(rings["orders"])
    assert {name: unrevoked(name) for name in ("default", "bills")} == {
        name: rings[name] for name in ("default", "bills")
    }


def test_the_command_prints_the_consequences_for_every_ring_and_asks_once(rings, monkeypatch, capsys):
    questions = []
    typed(monkeypatch)
    with monkeypatch.context() as patch:
        patch.setattr("builtins.input", lambda question: questions.append(question) or "no")
        assert refused(*ALL) == (3, "nothing was revoked")
    assert len(questions) == 1
    assert {name: unrevoked(name) for name in rings} == rings
    typed(monkeypatch, "yes")
    out = run(*ALL)
    assert [out.count(f"ring {name}\n") for name in rings] == [2, 2, 2], "before, and after"


def test_the_command_asks_although_one_ring_cannot_be_revoked(rings, monkeypatch, capsys):
    by_hand(SigningKey.objects.filter(kid__in=rings["bills"]), max_lifetime=timedelta(days=9))
    typed(monkeypatch, "yes")
    assert refused(*ALL)[0] == 5
    assert unrevoked("orders").isdisjoint(rings["orders"])


def test_before_the_first_key_there_is_nothing_to_revoke():
    assert refused(*ALL, "--yes") == (2, "there is no key to revoke")
