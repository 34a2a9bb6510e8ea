"""`keys`: the timeline of each key ring, and the check for monitoring."""

import json
from datetime import timedelta

import pytest
from django.utils import timezone

from tests.clock import clocks_at
from tests.tokens.management.key_commands import refused, run
from tokens.clients import client_secret
from tokens.encryption import parse
from tokens.keys import store
from tokens.models import Client, SigningKey

pytestmark = pytest.mark.django_db


def test_the_timeline_shows_every_key_with_its_phase_and_the_next_step():
    run("rotate_keys")
    out = run("keys")
    for key in SigningKey.objects.all():
        assert key.kid[:12] in out
    assert "signing" in out
    assert "announced" in out
    assert "next: rotate_keys plans the next switch" in out
    output = json.loads(run("keys", "--json"))["rings"][0]
    assert {key["phase"] for key in output["keys"]} == {"signing", "announced"}
    assert output["policy"]["token_lifetime"] == 3600.0


def test_the_check_fails_before_the_first_key_and_if_rotation_is_overdue(at):
    code, message = refused("keys", "--check")
    assert (code, "no key yet" in message) == (3, True)
    run("rotate_keys")
    assert run("keys", "--check") == "the signing keys are healthy\n"
    late = store.database_now() + timedelta(days=92)
    with clocks_at(late):
        code, message = refused("keys", "--check")
    assert (code, "rotate_keys does not run" in message) == (3, True)


def test_the_check_names_a_former_encrypting_key_while_a_client_secret_needs_it(settings):
    """If a client secret still needs a former encryption key, `keys --check` names this key.

    The test sets KEY_ENCRYPTION_KEYS to the old key, then to the new and the old key, and then to the new key only. The
    last change comes too early, because a client secret still needs the old key.
    """
    run("rotate_keys")
    former, first = settings.ISSUER["KEY_ENCRYPTION_KEYS"][0], "Z" * 43
    client, key_id = Client.objects.create(name="webapp"), parse([former])[0].id
    used, idle = (client_secret.create(client, now=timezone.now()) for _ in range(2))
    assert run("keys", "--check") == "the signing keys are healthy\n"

    settings.ISSUER = {**settings.ISSUER, "KEY_ENCRYPTION_KEYS": [first, former]}
    run("rotate_keys", "--rewrap")
    client_secret.use(client_secret.stored_of(client), used, now=timezone.now())
    note, well = run("keys", "--check").splitlines()
    assert note.startswith(f"note: live client secrets hashed under {key_id}: 1; do not drop that value")
    assert well == "the signing keys are healthy", "nothing is wrong: the exit code is 0"
    problems = json.loads(run("keys", "--check", "--json"))["problems"]
    assert [(problem["code"], problem["ring"]) for problem in problems] == [("former_key", "")]

    settings.ISSUER = {**settings.ISSUER, "KEY_ENCRYPTION_KEYS": [first]}
    code, message = refused("keys", "--check")
    assert (code, message.startswith(f"settings: live client secrets hashed under {key_id}: 1; ")) == (3, True)
    assert "put its value back" in message
    with pytest.raises(client_secret.LostKey, match=key_id):
        client_secret.use(client_secret.stored_of(client), idle, now=timezone.now())
    assert client_secret.use(client_secret.stored_of(client), used, now=timezone.now())
    client.secrets.filter(encryption_key_id=key_id).update(revoked_at=timezone.now())
    assert run("keys", "--check") == "the signing keys are healthy\n"
