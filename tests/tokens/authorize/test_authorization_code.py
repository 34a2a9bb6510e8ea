"""One transaction stores a code, the consent and the mark of the answered request: all of them, or nothing."""

from datetime import UTC, datetime, timedelta
from urllib.parse import urlencode

import pytest
from django.db import IntegrityError
from django.http import QueryDict

from tests.tokens.factories import authorization
from tokens.authorize import authorization_code, consent, request_row
from tokens.authorize.backend import backend
from tokens.authorize.request_row import AGAIN, AlreadyAnswered, KeptRequest, NotStored
from tokens.errors import OAuthError
from tokens.issued.login import Login
from tokens.models import AuthorizationCode, Consent, UserGrant

pytestmark = pytest.mark.django_db
NOW = datetime(2030, 1, 1, 12, tzinfo=UTC)
LATER = NOW + timedelta(seconds=2)
LOGIN = Login(at=NOW, acr="", amr=("pwd",))


@pytest.fixture
def row(webapp):
    """Return the session key of a stored authorization request."""
    return request_row.create(KeptRequest(urlencode(authorization(webapp))))


@pytest.fixture
def issue(webapp, user):
    """Return a function that answers the request by a code. By default the user allowed the client now."""
    request = backend().authorization(QueryDict(urlencode(authorization(webapp))))

    def issue(row, *, is_consent=True, answered_at=LATER):
        return authorization_code.issue(
            request, user, LOGIN, row=row, is_consent=is_consent, answered_at=answered_at, now=NOW
        )

    return issue


def stored():
    return AuthorizationCode.objects.count(), UserGrant.objects.count(), Consent.objects.count()


def test_a_code_is_stored_with_the_consent_and_the_time_of_the_answer(issue, row):
    assert issue(row)
    assert stored() == (1, 1, 1)
    assert AuthorizationCode.objects.get().expires_at == NOW + authorization_code.LIFETIME
    request_row.read(row, now=LATER + AGAIN)
    with pytest.raises(AlreadyAnswered):
        request_row.read(row, now=LATER + AGAIN + timedelta(seconds=1))


def test_a_request_that_is_not_stored_gets_a_code_and_no_consent_that_the_user_did_not_give(issue):
    assert issue("", is_consent=False)
    assert stored() == (1, 1, 0)


def test_a_request_that_was_answered_too_long_ago_gets_nothing(issue, row):
    issue(row)
    with pytest.raises(AlreadyAnswered):
        issue(row, answered_at=LATER + AGAIN + timedelta(seconds=1))
    assert stored() == (1, 1, 1)


def test_a_request_whose_row_was_deleted_gets_nothing(issue):
    with pytest.raises(NotStored):
        issue("0" * 32)
    assert stored() == (0, 0, 0)


def test_a_conflict_in_the_database_stores_nothing_and_keeps_its_cause(issue, row, monkeypatch):
    def fails(*_, **__):
        raise IntegrityError("a rule says no")

    monkeypatch.setattr(consent, "remember", fails)
    with pytest.raises(OAuthError) as caught:
        issue(row)
    assert (caught.value.error, type(caught.value.__cause__)) == ("server_error", IntegrityError)
    assert stored() == (0, 0, 0)
    request_row.read(row, now=NOW + timedelta(days=1))
