"""The check that the issuer still accepts a token.

The result depends on the issuer's revocations, on the token's client and on its user.
"""

import uuid

import pytest
from django.utils import timezone

from tests.tokens.factories import API, make_client
from tokens.issued import revocation_record, token_status
from tokens.issued.token_reader import PresentedToken
from tokens.models import RegistryVersion, User

pytestmark = pytest.mark.django_db


def token(subject, **claims):
    members = {"iss": "https://issuer.example", "client_id": "app", "aud": API, "sub": subject, "jti": "t", "iat": 1}
    return PresentedToken(claims=members | claims, kid="k")


@pytest.fixture
def app(db):
    return make_client("app")


def test_a_token_of_an_active_client_is_accepted_until_that_is_disabled(app):
    assert token_status.is_accepted(token("app"))
    type(app).objects.update(is_active=False)
    assert not token_status.is_accepted(token("app"))


def test_a_token_of_an_active_user_is_accepted_until_that_is_disabled(app, user):
    assert token_status.is_accepted(token(str(user.sub)))
    assert not token_status.is_accepted(token(str(uuid.uuid4()))), "no such user"
    assert not token_status.is_accepted(token("other")), "another client's name"
    User.objects.update(is_active=False)
    assert not token_status.is_accepted(token(str(user.sub)))


def test_a_revoked_token_is_not_accepted_and_another_is(app):
    revocation_record.revoke_client("other", now=timezone.now())
    assert token_status.is_accepted(token("app"))
    revocation_record.revoke_client("app", now=timezone.now())
    assert not token_status.is_accepted(token("app"))


def test_without_a_version_of_the_registry_a_token_counts_as_revoked(app):
    RegistryVersion.objects.all().delete()
    status = token_status.look_up(token("app"))
    assert (status.registry, status.is_revoked) == (None, True)
