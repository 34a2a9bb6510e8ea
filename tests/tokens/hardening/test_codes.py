"""An authorization code is redeemed once, for an active user (RFC 6749 section 4.1.2)."""

from datetime import timedelta

import pytest
from django.utils import timezone

from tests.tokens.factories import API, redeem
from tokens.grants import authorization_code
from tokens.issued import one_time, revocation_record
from tokens.models import AuthorizationCode, RefreshToken, UserGrant

pytestmark = pytest.mark.django_db


# a disabled user


def test_a_disabled_user_gets_no_tokens_for_a_code(client, webapp, code, user, signer):
    issued = code(webapp)
    type(user).objects.update(is_active=False)
    assert redeem(client, webapp, issued).json()["error"] == "invalid_grant"


# a code used twice


def redeemed_long_ago():
    """Set `redeemed_at` of every redeemed code to a time so long ago that the retry window is over."""
    earlier = timezone.now() - one_time.RETRY_WINDOW - timedelta(seconds=1)
    AuthorizationCode.objects.exclude(redeemed_at=None).update(redeemed_at=earlier)


def test_reuse_of_a_code_revokes_its_grant(client, spa, code, decode):
    issued = code(spa)
    given = decode(redeem(client, spa, issued).json()["access_token"], API)[1]
    assert not revocation_record.is_revoked(given, kid="test-key")
    redeemed_long_ago()
    assert redeem(client, spa, issued).status_code == 400
    assert revocation_record.is_revoked(given, kid="test-key")


@pytest.mark.parametrize("moment", ["_find", "_verify"])
def test_of_concurrent_redemptions_one_succeeds_and_stays_valid(client, app, code, decode, interleave, moment):
    issued, answers = code(app, scope="openid notes:read offline_access"), []
    interleave(authorization_code, moment, *[lambda: answers.append(redeem(client, app, issued))] * 3)
    answers.append(redeem(client, app, issued))
    said = [(answer.status_code, answer.json().get("error")) for answer in answers]
    assert said == [(200, None), *[(400, "invalid_grant")] * 3]
    assert (UserGrant.objects.count(), RefreshToken.objects.count()) == (1, 1)
    assert not revocation_record.is_revoked(decode(answers[0].json()["access_token"], API)[1], kid="test-key")
    assert UserGrant.objects.get().revoked_at is None


@pytest.mark.parametrize("moment", ["_find", "_verify"])
def test_a_redemption_that_overtakes_another_is_reuse_after_the_retry_window(
    client, app, code, decode, interleave, moment
):
    issued, answers = code(app, scope="openid notes:read offline_access"), []

    def overtake():
        answers.append(redeem(client, app, issued))
        redeemed_long_ago()

    interleave(authorization_code, moment, overtake)
    answers.append(redeem(client, app, issued))
    assert [answer.status_code for answer in answers] == [200, 400]
    assert revocation_record.is_revoked(decode(answers[0].json()["access_token"], API)[1], kid="test-key")
