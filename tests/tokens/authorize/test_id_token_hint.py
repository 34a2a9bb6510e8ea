"""id_token_hint at the authorization endpoint: only the user of the hint gets a code (OIDC Core section 3.1.2.2)."""

from datetime import UTC, datetime, timedelta
from unittest.mock import patch

import jwt
import pytest

from tests.tokens.factories import CALLBACK, allow, authorization, log_in, make_client, operation, parameters, redeem
from tests.tokens.keys.steps import forged_row
from tests.tokens.views.test_logout import rotate, withdraw
from tokens.authorize import id_token_hint
from tokens.issued import jws
from tokens.keys import material
from tokens.keys.key_pair import RingSigner
from tokens.keys.revocation import revoke
from tokens.models import Api, AuthorizationCode, User

pytestmark = pytest.mark.django_db

ISSUER = "http://localhost:8000"


@pytest.fixture
def own(apis):
    return make_client("own", "authorization_code", public=True, skip_authorization=True)


@pytest.fixture
def browser(client, user):
    log_in(client, user)
    return client


@pytest.fixture
def tokens(browser, own):
    """Create a signing key, and return the client's token response for the user of the browser."""
    rotate()
    return redeem(browser, own, parameters(browser.get("/oauth/authorize", authorization(own)))["code"]).json()


@pytest.fixture
def eve(db):
    return User.objects.create_user("eve", password="correct horse")


def request_with_hint(browser, client, hint, **changes):
    return browser.get("/oauth/authorize", authorization(client, id_token_hint=hint, **changes))


@pytest.mark.parametrize("prompt", [None, "none"])
def test_a_hint_of_the_session_s_user_gives_a_code(browser, own, tokens, prompt):
    assert "code" in parameters(request_with_hint(browser, own, tokens["id_token"], prompt=prompt))


def test_a_hint_of_another_user_leads_to_the_login_and_keeps_the_session(browser, own, tokens, eve):
    log_in(browser, eve)
    response = request_with_hint(browser, own, tokens["id_token"])
    assert response["Location"].startswith("/accounts/login/?")
    assert browser.get(response["Location"]).status_code == 200
    assert browser.session["_auth_user_id"] == str(eve.pk)


def test_under_prompt_none_a_hint_of_another_user_is_login_required(browser, own, tokens, eve):
    log_in(browser, eve)
    assert parameters(request_with_hint(browser, own, tokens["id_token"], prompt="none")) == {
        "error": "login_required",
        "error_description": "The user has to log in.",
        "state": "s-1",
        "iss": ISSUER,
    }


@pytest.mark.parametrize(("name", "answered"), [("ada", True), ("eve", False)])
def test_the_user_who_logs_in_is_compared_with_the_hint_again(browser, own, tokens, eve, name, answered):
    log_in(browser, eve)
    page = request_with_hint(browser, own, tokens["id_token"])["Location"]
    back = browser.post(page, {"login": name, "password": "correct horse"})["Location"]
    location = browser.get(back)["Location"]
    assert location.startswith(CALLBACK)
    assert ("error=login_required" in location) is not answered, "not a redirect loop through the login page"


def test_the_user_who_answers_the_consent_page_is_compared_with_the_hint(browser, user, own, tokens, eve):
    """The form has a valid signature and is sent by another user than the hint names.

    So the issuer compares the user with the hint when it receives the form, and not only when it shows the page.
    """
    query = authorization(own, id_token_hint=tokens["id_token"], prompt="consent")
    log_in(browser, eve)
    with patch("tokens.views.authorize.consent.names_another_user", return_value=False):
        page = browser.get("/oauth/authorize", query)
    address = f"/oauth/authorize?{page.request['QUERY_STRING']}"
    answer = browser.post(address, {"shown": page.context["form"].initial["shown"], "allow": "true"})
    assert (answer.status_code, answer["Location"]) == (303, address)
    assert AuthorizationCode.objects.filter(redeemed_at=None).count() == 0


def test_an_expired_hint_is_accepted(browser, own, tokens):
    expires = jwt.decode(tokens["id_token"], options={"verify_signature": False})["exp"]
    later = datetime.fromtimestamp(expires, UTC) + timedelta(days=1)
    with patch("tokens.views.authorize.keyring.clock", return_value=later):
        assert "code" in parameters(request_with_hint(browser, own, tokens["id_token"]))


def test_a_hint_signed_by_a_withdrawn_key_is_accepted(browser, own, tokens):
    withdraw(jwt.get_unverified_header(tokens["id_token"])["kid"])
    assert "code" in parameters(request_with_hint(browser, own, tokens["id_token"]))


def test_a_hint_signed_by_a_revoked_key_is_refused(browser, own, tokens):
    revoke(operation(), jwt.get_unverified_header(tokens["id_token"])["kid"], reason="stolen", accept_outage=True)
    assert parameters(request_with_hint(browser, own, tokens["id_token"]))["error"] == "invalid_request"


def test_a_hint_signed_by_a_key_that_an_attacker_wrote_into_the_database_is_refused(tokens):
    pair = material.generate("RS256")
    forged_row(pair)
    claims = jwt.decode(tokens["id_token"], options={"verify_signature": False})
    forged = jws.sign(claims, typ="JWT", signer=RingSigner(timedelta(hours=1), pair))
    with pytest.raises(id_token_hint.NotOurs):
        id_token_hint.read(forged)


@pytest.mark.parametrize("hint", ["garbage", "no algorithm", "changed", "access token", "another client's", "two"])
def test_an_invalid_hint_is_an_error_at_the_client(browser, own, tokens, hint):
    other = make_client("other", "authorization_code", public=True)
    good = tokens["id_token"]
    asking, sent = {
        "garbage": (own, "x"),
        "no algorithm": (own, "eyJhbGciOiJub25lIn0.e30."),
        "changed": (own, good[:-20] + ("A" if good[-20] != "A" else "B") + good[-19:]),
        "access token": (own, tokens["access_token"]),
        "another client's": (other, good),
        "two": (own, [good, good]),
    }[hint]
    response = request_with_hint(browser, asking, sent)
    assert response["Location"].startswith(f"{CALLBACK}?")
    answer = parameters(response)
    assert (answer["error"], answer["state"], answer["iss"]) == ("invalid_request", "s-1", ISSUER)


def test_a_request_sent_as_a_form_keeps_its_hint(browser, own, tokens, eve):
    log_in(browser, eve)
    there = browser.post("/oauth/authorize", authorization(own, id_token_hint=tokens["id_token"]))["Location"]
    assert browser.get(there)["Location"].startswith("/accounts/login/?")


def test_the_user_of_the_hint_can_answer_the_consent_page(browser, own, tokens):
    query = authorization(own, id_token_hint=tokens["id_token"], prompt="consent")
    assert "code" in parameters(allow(browser, query))


@pytest.mark.parametrize("form", [{}, {"lists_audience": True}])
def test_an_access_token_of_the_type_jwt_is_no_hint(browser, own, tokens, apis, form):
    Api.objects.update(dangerously_issues_typ_jwt=True, **form)
    access_token = redeem(browser, own, parameters(browser.get("/oauth/authorize", authorization(own)))["code"]).json()[
        "access_token"
    ]
    assert jwt.get_unverified_header(access_token)["typ"] == "JWT"
    response = request_with_hint(browser, own, access_token)
    assert parameters(response)["error"] == "invalid_request"
    with pytest.raises(id_token_hint.NotOurs, match="an access token"):
        id_token_hint.read(access_token)
    assert id_token_hint.read(tokens["id_token"]).client_id == "own"
