"""An authorization code is redeemed once, for an active user (RFC 6749 section 4.1.2)."""

import pytest

from tests.tokens.conftest import API, redeem
from tokens.models import RefreshToken, UserGrant
from tokens.oauth import authorization_code, denial

pytestmark = pytest.mark.django_db


# a disabled user


def test_a_disabled_user_gets_no_tokens_for_a_code(client, webapp, code, user, signer):
    issued = code(webapp)
    type(user).objects.update(is_active=False)
    assert redeem(client, webapp, issued).json()["error"] == "invalid_grant"


# a code used twice


def test_reuse_of_a_code_revokes_what_it_gave(client, spa, code, decode):
    issued = code(spa)
    given = decode(redeem(client, spa, issued).json()["access_token"], API)[1]
    assert not denial.is_denied(given)
    assert redeem(client, spa, issued).status_code == 400
    assert denial.is_denied(given)


@pytest.mark.parametrize("moment", ["_find", "_verify"])
def test_of_two_concurrent_redemptions_the_second_is_refused_and_revokes_the_first(
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
    assert denial.is_denied(decode(answers[0].json()["access_token"], API)[1])
