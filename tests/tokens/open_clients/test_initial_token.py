"""The creation and revocation of initial access tokens.

A token with a wrong field is refused, and the error names the field. Only the hash and the end of a token are stored.
"""

from datetime import timedelta

import pytest
from django.core.exceptions import ValidationError
from django.utils import timezone

from tokens.models import AuditEvent, InitialAccessToken
from tokens.open_clients import initial_token

pytestmark = pytest.mark.django_db


def make(registrations=1, lasts=timedelta(hours=1), note="for Ada"):
    now = timezone.now()
    token = InitialAccessToken(note=note, registrations_left=registrations, expires_at=now + lasts)
    return token, initial_token.create(token, actor="test", now=now)


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"registrations": 0}, "registrations_left"),
        ({"registrations": -1}, "registrations_left"),
        ({"registrations": initial_token.MOST_REGISTRATIONS + 1}, "registrations_left"),
        ({"lasts": timedelta(0)}, "expires_at"),
        ({"note": ""}, "note"),
        ({"note": "x" * 101}, "note"),
    ],
)
def test_a_malformed_token_is_refused_at_its_field(fields, field):
    with pytest.raises(ValidationError) as error:
        make(**fields)
    assert list(error.value.message_dict) == [field]
    assert not InitialAccessToken.objects.exists()


def test_only_the_hash_and_the_end_of_a_token_are_stored():
    token, text = make(initial_token.MOST_REGISTRATIONS)
    assert text not in str(InitialAccessToken.objects.values().get())
    assert (token.hint, len(text)) == (text[-4:], 43)
    assert text not in str(AuditEvent.objects.values().get())


def test_a_token_is_revoked_once():
    token, text = make()
    assert [initial_token.revoke(token, actor="test", now=timezone.now()) for _ in range(2)] == [True, False]
    assert initial_token.use(text, now=timezone.now()) is None
    assert AuditEvent.objects.filter(action="initial_token.revoked").count() == 1
