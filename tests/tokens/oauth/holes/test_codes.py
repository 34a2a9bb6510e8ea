"""Holes 6 and 10: who gets tokens for an authorization code, and how often."""

import hashlib

import pytest
from oauth2_provider.models import AccessToken, get_grant_model, get_id_token_model
from oauth2_provider.oauth2_validators import OAuth2Validator

from tests.tokens.conftest import API, redeem
from tests.tokens.oauth.holes import toolkit
from tokens.models import RefreshToken, UserGrant
from tokens.oauth import authorization_code, revocation_record

pytestmark = pytest.mark.django_db


# 6: a deactivated user


def test_6_plain_a_deactivated_user_gets_tokens(plain, spa, user):
    toolkit.grant(spa, user)
    type(user).objects.update(is_active=False)
    assert toolkit.exchange(spa).status_code == 200


def test_6_here_a_deactivated_user_gets_none(client, webapp, code, user, signer):
    issued = code(webapp)
    type(user).objects.update(is_active=False)
    assert redeem(client, webapp, issued).json()["error"] == "invalid_grant"


# 10: an authorization code used twice


def test_10_plain_what_a_stolen_code_gave_stays(plain, spa, user):
    toolkit.grant(spa, user)
    given = toolkit.body(toolkit.exchange(spa))["access_token"]
    assert toolkit.exchange(spa).status_code == 400
    assert AccessToken.objects.filter(token_checksum=hashlib.sha256(given.encode()).hexdigest()).exists()


def test_10_here_it_is_revoked(client, spa, code, decode):
    issued = code(spa)
    given = decode(redeem(client, spa, issued).json()["access_token"], API)[1]
    assert not revocation_record.is_revoked(given, kid="test-key")
    assert redeem(client, spa, issued).status_code == 400
    assert revocation_record.is_revoked(given, kid="test-key")


def test_10_plain_the_second_of_two_at_once_is_an_error_500(plain, spa, user, meanwhile):
    toolkit.grant(spa, user)
    answers = []
    meanwhile(OAuth2Validator, "validate_code", lambda: answers.append(toolkit.exchange(spa)))
    with pytest.raises(get_grant_model().DoesNotExist):
        toolkit.exchange(spa)
    assert [answer.status_code for answer in answers] == [200]


def test_10_plain_the_second_of_two_at_once_leaves_rows_behind(plain, spa, user, meanwhile):
    toolkit.grant(spa, user)
    answers = []
    meanwhile(OAuth2Validator, "confirm_redirect_uri", lambda: answers.append(toolkit.exchange(spa)))
    answers.append(toolkit.exchange(spa))
    assert [answer.status_code for answer in answers] == [200, 400]
    assert (AccessToken.objects.count(), get_id_token_model().objects.count()) == (2, 2), "one was never given out"


@pytest.mark.parametrize("moment", ["_find", "_verify"])
def test_10_here_the_second_of_two_at_once_is_refused_and_ends_what_the_first_was_given(
    client, app, code, decode, meanwhile, moment
):
    issued, answers = code(app, scope="openid notes:read offline_access"), []
    meanwhile(authorization_code, moment, lambda: answers.append(redeem(client, app, issued)))
    answers.append(redeem(client, app, issued))
    assert [(answer.status_code, answer.json().get("error")) for answer in answers] == [
        (200, None),
        (400, "invalid_grant"),
    ]
    assert (UserGrant.objects.count(), RefreshToken.objects.count()) == (1, 1)
    assert revocation_record.is_revoked(decode(answers[0].json()["access_token"], API)[1], kid="test-key")
