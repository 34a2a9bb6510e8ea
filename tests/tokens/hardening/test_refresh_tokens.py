"""A refresh token expires, and is refused if its user is disabled.

Reuse of a refresh token revokes the token family (RFC 9700 section 4.14).
"""

from datetime import timedelta

import pytest
from django.utils import timezone

from tests.tokens.factories import post
from tokens.issued import one_time
from tokens.issued.refresh_rotation import RETRY_WINDOW
from tokens.models import RefreshToken, UserGrant

pytestmark = pytest.mark.django_db


def refresh(browser, client, text):
    form = {"grant_type": "refresh_token", "refresh_token": text, "client_id": client.client_id}
    return post(browser, "/oauth/token", form)


def pair(body):
    return body["access_token"], body["refresh_token"]


def said(answers):
    return [(answer.status_code, answer.json().get("error")) for answer in answers]


REFUSED = (400, "invalid_grant")


# a disabled user's client


def test_a_disabled_users_client_cannot_refresh(client, app, refresh_token, user):
    type(user).objects.update(is_active=False)
    assert said([refresh(client, app, refresh_token)]) == [REFUSED]


def test_a_refresh_fails_if_the_user_is_disabled_during_it(client, app, refresh_token, user, interleave):
    user.is_active = False
    interleave(one_time, "digest", user.save)  # just before the token is locked
    assert said([refresh(client, app, refresh_token)]) == [REFUSED]


# a stolen token, an old one, and concurrent use


def test_reuse_of_a_refresh_token_revokes_the_family(client, app, refresh_token):
    stolen = refresh(client, app, refresh_token).json()["refresh_token"]
    stolen = refresh(client, app, stolen).json()["refresh_token"]
    used_long_ago(1)
    assert said([refresh(client, app, text) for text in (refresh_token, stolen)]) == [REFUSED, REFUSED]


def test_a_refresh_token_expires_and_is_never_valid_beyond_the_grant(client, app, refresh_token):
    successor = refresh(client, app, refresh_token).json()["refresh_token"]
    RefreshToken.objects.update(expires_at=timezone.now())
    assert said([refresh(client, app, successor)]) == [REFUSED]
    RefreshToken.objects.update(expires_at=timezone.now() + timedelta(days=1))
    UserGrant.objects.update(ends_at=timezone.now())
    assert said([refresh(client, app, successor)]) == [REFUSED]


def test_concurrent_refreshes_get_the_same_successor(client, app, refresh_token, interleave):
    answers = []
    interleave(one_time, "digest", *[lambda: answers.append(refresh(client, app, refresh_token))] * 3)
    answers.append(refresh(client, app, refresh_token))
    assert said(answers) == [(200, None)] * 4
    access, successors = zip(*(pair(answer.json()) for answer in answers), strict=True)
    assert (len(set(access)), len(set(successors))) == (4, 1)
    assert said([refresh(client, app, successors[0])]) == [(200, None)]


def used_long_ago(seconds):
    """Set `used_at` of every used refresh token so that its retry window ended `seconds` ago."""
    used_at = timezone.now() - RETRY_WINDOW - timedelta(seconds=seconds)
    RefreshToken.objects.exclude(used_at=None).update(used_at=used_at)


@pytest.mark.parametrize(("seconds_later", "expected"), [(-9, (200, None)), (1, REFUSED)])
def test_a_lost_answer_can_be_repeated_within_thirty_seconds(client, app, refresh_token, seconds_later, expected):
    first = refresh(client, app, refresh_token)
    used_long_ago(seconds_later)
    again = refresh(client, app, refresh_token)
    assert said([first, again]) == [(200, None), expected]
