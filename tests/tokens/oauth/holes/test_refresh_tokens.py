"""Holes 6 and 9: who goes on with a refresh token, for how long, and what happens when two do."""

from datetime import timedelta

import pytest
from django.utils import timezone
from oauth2_provider.models import AccessToken, get_refresh_token_model
from oauth2_provider.oauth2_validators import OAuth2Validator

from tests.tokens.conftest import post
from tests.tokens.oauth.holes import toolkit
from tokens.models import RefreshToken, UserGrant
from tokens.oauth import refresh_grant
from tokens.oauth.refresh_token import LOST_ANSWER

pytestmark = pytest.mark.django_db


def refresh(browser, client, text):
    form = {"grant_type": "refresh_token", "refresh_token": text, "client_id": client.client_id}
    return post(browser, "/oauth/token", form)


def pair(body):
    return body["access_token"], body["refresh_token"]


def said(answers):
    return [(answer.status_code, answer.json().get("error")) for answer in answers]


REFUSED = (400, "invalid_grant")


# 6: a deactivated user's application refreshes


def test_6_plain_a_deactivated_user_s_application_refreshes(plain, app, user):
    toolkit.refresh_token(app, user)
    type(user).objects.update(is_active=False)
    assert toolkit.refresh(app, "r").status_code == 200


def test_6_here_it_does_not(client, app, refresh_token, user):
    type(user).objects.update(is_active=False)
    assert said([refresh(client, app, refresh_token)]) == [REFUSED]


def test_6_here_it_does_not_where_the_user_is_disabled_at_that_very_moment(client, app, refresh_token, user, meanwhile):
    user.is_active = False
    meanwhile(refresh_grant, "_grant", user.save)
    assert said([refresh(client, app, refresh_token)]) == [REFUSED]


# 9: a refresh token that was stolen, that is old, and that is used by two at once


def test_9_plain_whoever_stole_a_refresh_token_keeps_what_it_gave(plain, app, user):
    toolkit.refresh_token(app, user)
    stolen = toolkit.body(toolkit.refresh(app, "r"))["refresh_token"]
    assert toolkit.refresh(app, "r").status_code == 400, "the owner is refused"
    assert toolkit.refresh(app, stolen).status_code == 200, "and the thief goes on"


def test_9_here_the_family_ends(client, app, refresh_token):
    stolen = refresh(client, app, refresh_token).json()["refresh_token"]
    stolen = refresh(client, app, stolen).json()["refresh_token"]
    used_long_ago(1)
    assert said([refresh(client, app, text) for text in (refresh_token, stolen)]) == [REFUSED, REFUSED]


def test_9_plain_a_refresh_token_never_expires(plain, app, user):
    toolkit.refresh_token(app, user)
    long_ago = timezone.now() - timedelta(days=3650)
    get_refresh_token_model().objects.update(created=long_ago)
    AccessToken.objects.update(created=long_ago, expires=long_ago)
    assert toolkit.refresh(app, "r").status_code == 200


def test_9_here_it_does_and_no_use_of_it_outlives_the_grant(client, app, refresh_token):
    successor = refresh(client, app, refresh_token).json()["refresh_token"]
    RefreshToken.objects.update(expires_at=timezone.now())
    assert said([refresh(client, app, successor)]) == [REFUSED]
    RefreshToken.objects.update(expires_at=timezone.now() + timedelta(days=1))
    UserGrant.objects.update(ends_at=timezone.now())
    assert said([refresh(client, app, successor)]) == [REFUSED]


@pytest.mark.parametrize("when", ["at once", "within the grace period"])
def test_9_plain_two_refreshes_get_the_same_pair(plain, plain_with, app, user, meanwhile, when):
    toolkit.refresh_token(app, user)
    answers = []
    if when == "at once":
        meanwhile(OAuth2Validator, "validate_refresh_token", lambda: answers.append(toolkit.refresh(app, "r")))
        answers.append(toolkit.refresh(app, "r"))
    else:
        with plain_with(REFRESH_TOKEN_GRACE_PERIOD_SECONDS=60):
            answers += [toolkit.refresh(app, "r"), toolkit.refresh(app, "r")]
    assert [answer.status_code for answer in answers] == [200, 200]
    assert len({pair(toolkit.body(answer)) for answer in answers}) == 1


@pytest.mark.parametrize("when", ["at once", "within the grace period"])
def test_9_plain_with_hashed_storage_the_second_is_an_error_500(plain, plain_with, app, user, meanwhile, when):
    chosen = {"COMPLIANT_BCP_RFC9700_TOKEN_STORAGE": True, "REFRESH_TOKEN_GRACE_PERIOD_SECONDS": 60}
    toolkit.refresh_token(app, user)
    first = []
    with plain_with(**chosen):
        if when == "at once":
            meanwhile(OAuth2Validator, "validate_refresh_token", lambda: first.append(toolkit.refresh(app, "r")))
        else:
            first.append(toolkit.refresh(app, "r"))
        with pytest.raises(AccessToken.DoesNotExist):
            toolkit.refresh(app, "r")
    assert [answer.status_code for answer in first] == [200]


def test_concurrent_refreshes_get_the_same_successor(client, app, refresh_token, meanwhile):
    answers = []
    meanwhile(refresh_grant, "_grant", *[lambda: answers.append(refresh(client, app, refresh_token))] * 3)
    answers.append(refresh(client, app, refresh_token))
    assert said(answers) == [(200, None)] * 4
    access, successors = zip(*(pair(answer.json()) for answer in answers), strict=True)
    assert (len(set(access)), len(set(successors))) == (4, 1)
    assert said([refresh(client, app, successors[0])]) == [(200, None)]


def used_long_ago(seconds):
    """Move the use of every spent token so many seconds before the retry window."""
    used_at = timezone.now() - LOST_ANSWER - timedelta(seconds=seconds)
    RefreshToken.objects.exclude(used_at=None).update(used_at=used_at)


@pytest.mark.parametrize(("seconds_later", "expected"), [(-9, (200, None)), (1, REFUSED)])
def test_9_here_a_lost_answer_is_asked_for_within_thirty_seconds(client, app, refresh_token, seconds_later, expected):
    first = refresh(client, app, refresh_token)
    used_long_ago(seconds_later)
    again = refresh(client, app, refresh_token)
    assert said([first, again]) == [(200, None), expected]
