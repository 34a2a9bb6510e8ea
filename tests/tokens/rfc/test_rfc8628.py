"""RFC 8628: the device authorization request (3.1, 3.2), the page for the user (3.3), and polling (3.4, 3.5)."""

import re
from datetime import timedelta
from unittest.mock import ANY

import pytest
from django.test import Client as Browser
from django.utils import timezone

from tests.tokens.assertions import jwks, proof
from tests.tokens.factories import OTHER_API, basic, log_in, make_client, post
from tests.tokens.rfc import (
    INVALID_CLIENT,
    ISSUER,
    JSON,
    NOT_ITS_GRANT,
    UNKNOWN_RESOURCE,
    Answer,
    answer,
    granted,
    missing,
    page,
    refusal,
    repeated,
    unknown_scope,
    without_blanks,
)
from tokens.clients import client_secret
from tokens.models import Client, UserGrant

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("signer")]

GRANT = "urn:ietf:params:oauth:grant-type:device_code"
PAGE = "/oauth/device/verify"
VERIFICATION_URI = f"{ISSUER}{PAGE}"


@pytest.fixture(autouse=True)
def tv(apis):
    return make_client("tv", GRANT, public=True)


@pytest.fixture
def device():
    """Return a browser without cookies, which acts as the device."""
    return Browser()


@pytest.fixture
def browser(client, user):
    log_in(client, user)
    return client


@pytest.fixture
def begun(device):
    return post(device, "/oauth/device", {"client_id": "tv", "scope": "notes:read"}).json()


@pytest.fixture
def later(at):
    start = timezone.now()

    def wait(seconds):
        at(start + timedelta(seconds=seconds))

    wait(0)
    return wait


def poll(device, code, **changes):
    form = {"grant_type": GRANT, "device_code": code, "client_id": "tv"} | changes
    return answer(post(device, "/oauth/token", without_blanks(form)))


def decide(browser, user_code, allow="true"):
    shown = browser.post(PAGE, {"user_code": user_code})
    if shown.status_code != 200:
        return shown
    return browser.post(PAGE, {"user_code": user_code, "shown": shown.context["shown"], "allow": allow})


BEGUN = Answer(
    200,
    JSON,
    {
        "device_code": ANY,
        "user_code": ANY,
        "verification_uri": VERIFICATION_URI,
        "verification_uri_complete": ANY,
        "expires_in": 600,
        "interval": 5,
    },
)

BEGINNINGS = {
    "3.1: client and scope": ({}, BEGUN),
    "3.1: what is not known is ignored": ({"more": ["x", "y"]}, BEGUN),
    "3.1: no client": ({"client_id": None}, INVALID_CLIENT),
    "3.1: an unknown client": ({"client_id": "nobody"}, INVALID_CLIENT),
    "3.1: a confidential client's name alone": ({"client_id": "service"}, INVALID_CLIENT),
    "3.1: a client without the grant": ({"client_id": "spa"}, NOT_ITS_GRANT),
    "3.1: two clients": ({"client_id": ["tv", "tv"]}, repeated("client_id")),
    "3.1: no scope: those of the client": ({"scope": None}, BEGUN),
    "3.1: another client's scope": ({"scope": "other:read"}, unknown_scope("other:read")),
    "3.1: another client's API": ({"resource": OTHER_API}, UNKNOWN_RESOURCE),
}


@pytest.mark.parametrize("section", BEGINNINGS)
def test_a_device_authorization_request_is_answered_by_the_table(device, spa, service, section):
    changes, expected = BEGINNINGS[section]
    form = {"client_id": "tv", "scope": "notes:read"} | changes
    assert answer(post(device, "/oauth/device", without_blanks(form))) == expected


@pytest.fixture
def box(apis):
    """Return a confidential client with the device grant."""
    made = make_client("box", GRANT)
    made.plain = client_secret.create(made, now=timezone.now())
    return made


def registered_for(box, method):
    return Client.objects.filter(pk=box.pk).update(token_endpoint_auth_method=method, client_jwks=jwks())


AUTHENTICATED = {
    "client_secret_basic": lambda box: ({}, basic("box", box.plain)),
    "client_secret_post": lambda box: ({"client_id": "box", "client_secret": box.plain}, {}),
    "private_key_jwt": lambda _: (proof("box"), {}),
}


@pytest.mark.parametrize("method", AUTHENTICATED)
def test_a_confidential_client_authenticates_as_at_the_token_endpoint(device, browser, box, method):
    """The client must authenticate to begin and to poll the device grant (RFC 8628 sections 3.1 and 3.4)."""
    registered_for(box, method)
    form, headers = AUTHENTICATED[method](box)
    begun = post(device, "/oauth/device", {"scope": "notes:read"} | form, **headers)
    assert answer(begun) == BEGUN
    decide(browser, begun.json()["user_code"])
    poll_form = {"grant_type": GRANT, "device_code": begun.json()["device_code"]}
    assert answer(post(device, "/oauth/token", poll_form | {"client_id": "box"})) == INVALID_CLIENT
    form, headers = AUTHENTICATED[method](box)
    assert answer(post(device, "/oauth/token", poll_form | form, **headers)) == granted()


EITHER = "client_secret_basic or client_secret_post"


@pytest.mark.parametrize(
    ("method", "pinned", "named"),
    [
        ("client_secret_basic", None, EITHER),
        ("client_secret_post", False, EITHER),
        ("client_secret_post", True, "client_secret_post"),
        ("private_key_jwt", None, "private_key_jwt"),
    ],
)
def test_a_confidential_client_without_credentials_gets_its_methods(device, box, method, pinned, named):
    """The refusal names the methods by which this client may authenticate (RFC 8628 section 3.1)."""
    registered_for(box, method)
    Client.objects.filter(pk=box.pk).update(pins_authentication_method=pinned)
    refused = post(device, "/oauth/device", {"client_id": "box", "scope": "notes:read"})
    assert (refused.status_code, refused.json()) == (
        401,
        {
            "error": "invalid_client",
            "error_description": f"Authenticate this client by {named} here, as at the token endpoint.",
        },
    )


@pytest.mark.parametrize(
    ("form", "headers"),
    [
        ({"client_id": "box", "client_secret": "wrong"}, {}),
        ({}, basic("box", "wrong")),
        ({"client_id": "box"}, basic("box", "wrong")),
        ({"client_id": "box", "client_assertion": "x.y.z", "client_assertion_type": "wrong"}, {}),
        ({"client_id": "nobody"}, {}),
        ({"client_id": "service"}, {}),
    ],
)
def test_a_client_that_fails_to_authenticate_does_not_get_its_methods(device, box, service, form, headers):
    refused = post(device, "/oauth/device", {"scope": "notes:read"} | form, **headers)
    assert (refused.status_code, refused.json()["error_description"]) == (401, "Client authentication failed.")


def test_an_inactive_confidential_client_is_unknown(device, box):
    Client.objects.filter(pk=box.pk).update(is_active=False)
    refused = post(device, "/oauth/device", {"client_id": "box", "scope": "notes:read"})
    assert refused.json()["error_description"] == "Client authentication failed."


def test_a_device_authorization_request_uses_post(device):
    """A GET is refused with the status 405 (RFC 8628 section 3.1)."""
    expected = refusal("invalid_request", "Use POST.", status=405, headers={"Allow": "POST"})
    assert answer(device.get("/oauth/device", {"client_id": "tv", "scope": "notes:read"})) == expected


def test_the_codes_are_new_each_time_and_the_user_s_can_be_typed(device, begun):
    """The user code has eight consonants (RFC 8628 sections 3.2, 3.3.1 and 6.1)."""
    again = post(device, "/oauth/device", {"client_id": "tv", "scope": "notes:read"}).json()
    assert {again[name] for name in ("device_code", "user_code")}.isdisjoint(begun.values())
    assert re.fullmatch(r"[BCDFGHJKLMNPQRSTVWXZ]{4}-[BCDFGHJKLMNPQRSTVWXZ]{4}", begun["user_code"])
    assert begun["verification_uri_complete"] == f"{VERIFICATION_URI}?user_code={begun['user_code']}"


UNKNOWN = page(
    "No device is waiting for this code. Check the screen of the device: the code might have expired.",
    headers={"Set-Cookie": ["issuer_csrf"]},  # of the form for another try
)
MALFORMED = page(
    "A code has eight letters, such as WDJB-MJHT. Check the screen of the device again.",
    headers={"Set-Cookie": ["issuer_csrf"]},
)
DONE = page(None, status=200)
TYPED = {
    "3.3: as it is shown": (lambda code: code, DONE),
    "6.1: in lower case": (lambda code: code.lower(), DONE),
    "6.1: without punctuation": (lambda code: code.replace("-", ""), DONE),
    "6.1: with spaces": (lambda code: f" {code.replace('-', ' ')} ", DONE),
    "3.3: cut": (lambda code: code[:-1], MALFORMED),
    "3.3: mistyped": (lambda code: code[:-1] + ("B" if code[-1] != "B" else "C"), UNKNOWN),
    "3.3: nothing": (lambda code: "", MALFORMED),
}


@pytest.mark.parametrize("section", TYPED)
def test_a_user_code_is_answered_by_the_table(browser, device, begun, section):
    change, expected = TYPED[section]
    done = decide(browser, change(begun["user_code"]))
    assert answer(done) == expected
    assert poll(device, begun["device_code"]) == (granted() if expected is DONE else PENDING)


def test_the_complete_verification_uri_approves_nothing_by_itself(browser, device, begun):
    """The user must confirm on the page, even if the link contains the user code (RFC 8628 sections 3.3.1 and 5.4)."""
    browser.get(begun["verification_uri_complete"].removeprefix(ISSUER), {"allow": "true"})
    browser.post(PAGE, {"user_code": begun["user_code"], "allow": "true"})
    assert poll(device, begun["device_code"]) == PENDING


def error(code, description):
    return refusal(code, description)


PENDING = error("authorization_pending", "The user has not answered yet.")
EXPIRED = error("expired_token", "The device code has expired. Start again.")
REFUSED_BY_USER = error("access_denied", "The user refused.")
USED = error("invalid_grant", "The device code was used before.")
NOT_ITS_OWN = error("invalid_grant", "The device code is unknown, or another client's.")


def slow_down(interval):
    return error("slow_down", f"Ask every {interval} s.")


# The seconds at which the device asks, and the last answer.
POLLS = {
    "3.5 authorization_pending: at once": ((0,), PENDING),
    "3.5 authorization_pending: after the interval": ((0, 5, 10), PENDING),
    "3.5 authorization_pending: a timer that is not exact": ((0, 4.001, 8.002, 12.003), PENDING),
    "3.5 slow_down: more than a second too soon": ((0, 3.999), slow_down(10)),
    "3.5 slow_down: five seconds more for the next": ((0, 3, 8.999), slow_down(15)),
    "3.5 slow_down: five seconds more each time": ((0, 1, 2, 3), slow_down(20)),
    "3.5 authorization_pending: the question that was too soon does not count": ((0, 3, 9.001), PENDING),
    "3.5 authorization_pending: more slowly": ((0, 3, 13, 23), PENDING),
    "3.5 slow_down: never more than five minutes": ((0, *(second / 9 for second in range(1, 90))), slow_down(300)),
    "3.5 authorization_pending: a second before the end": ((599,), PENDING),
    "3.5 expired_token": ((600,), EXPIRED),
}


@pytest.mark.parametrize("section", POLLS)
def test_a_poll_is_answered_by_the_table(device, later, begun, section):
    seconds, expected = POLLS[section]
    for second in seconds:
        later(second)
        last = poll(device, begun["device_code"])
    assert last == expected


ANSWERED = {
    "3.5: allowed": ("true", 1, {}, granted()),
    "3.5 access_denied": ("false", 1, {}, REFUSED_BY_USER),
    "3.5 expired_token: allowed, and never fetched": ("true", 600, {}, EXPIRED),
    "3.4: no device code": ("true", 1, {"device_code": None}, missing("device_code")),
    "3.4: an unknown device code": ("true", 1, {"device_code": "unknown"}, NOT_ITS_OWN),
    "3.4: two device codes": ("true", 1, {"device_code": ["x", "y"]}, repeated("device_code")),
    "3.4: no client": ("true", 1, {"client_id": None}, INVALID_CLIENT),
    "3.4: another client": ("true", 1, {"client_id": "radio"}, NOT_ITS_OWN),
    "3.4: a client without the grant": ("true", 1, {"client_id": "spa"}, NOT_ITS_GRANT),
}


@pytest.mark.parametrize("section", ANSWERED)
def test_a_poll_returns_the_answer_of_the_user(device, browser, later, begun, spa, section):
    make_client("radio", GRANT, public=True)
    allow, second, changes, expected = ANSWERED[section]
    decide(browser, begun["user_code"], allow)
    later(second)
    assert poll(device, begun["device_code"], **changes) == expected


def test_a_device_code_is_redeemed_once(device, browser, begun, later):
    """The rule is the same as for an authorization code (RFC 8628 section 3.5, RFC 6749 section 4.1.2)."""
    decide(browser, begun["user_code"])
    assert [poll(device, begun["device_code"]) for _ in range(2)] == [granted(), USED]
    assert UserGrant.objects.get().revoked_at is None, "a repeat at once"
    later(120)
    assert poll(device, begun["device_code"]) == USED
    assert UserGrant.objects.get().revoked_at is not None
