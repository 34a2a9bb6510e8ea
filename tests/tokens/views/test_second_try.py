"""golang.org/x/oauth2 repeats each refused request with its secret in the body, and reports only the second answer."""

import base64
import json
from datetime import timedelta
from urllib.parse import quote_plus, urlencode

import pytest
from django.core.cache import caches
from django.test import Client as Browser
from django.utils import timezone

from tests.tokens.factories import CALLBACK, OTHER_API, VERIFIER, basic, make_api, make_client, post
from tests.tokens.proofs import Key
from tokens.clients import client_secret
from tokens.clients.second_try import WINDOW
from tokens.issued.refresh_rotation import RETRY_WINDOW
from tokens.limits import cache_circuit, rate_limit
from tokens.models import Client, DeviceCode, GrantType, RefreshToken, UserGrant
from tokens.views import refusal_store
from tokens.views.refusal_store import KEPT

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("signer")]

STAYS = "openid notes:read offline_access"
AUTHENTICATION = "Client authentication failed."


@pytest.fixture
def app(apis):
    """Return a client with every grant type that a Go program uses, as `create_client` registers it."""
    grants = ["authorization_code", "refresh_token", "client_credentials", GrantType.DEVICE_CODE.value]
    make_api("https://third.example/", "third:read")  # with two APIs, the client has to name a scope
    scopes = ("notes:read", "notes:write", "third:read")
    made = make_client("app", *grants, scopes=scopes, rotates_refresh_tokens=True)
    Client.objects.filter(pk=made.pk).update(token_endpoint_auth_method="client_secret_basic")
    made.plain = client_secret.create(made, now=timezone.now())
    return made


class Go:
    """Sends the requests of golang.org/x/oauth2, byte for byte: those of `RetrieveToken` with AuthStyleAutoDetect."""

    def __init__(self, client_id, secret):
        self.client_id, self.secret = client_id, secret

    def in_header(self, form, **extra):
        named = f"{quote_plus(self.client_id)}:{quote_plus(self.secret)}".encode()
        header = {"HTTP_AUTHORIZATION": f"Basic {base64.b64encode(named).decode()}"}
        return post(Browser(), "/oauth/token", encoded(form), **header, **extra)

    def in_body(self, form, **extra):
        own = {"client_id": self.client_id} | ({"client_secret": self.secret} if self.secret else {})
        return post(Browser(), "/oauth/token", encoded(form | own), **extra)

    def twice(self, form):
        first = self.in_header(form)
        assert first.status_code >= 400
        return first, self.in_body(form)


def encoded(form):
    """Return the form as url.Values.Encode of Go does, sorted by name."""
    return urlencode(sorted(form.items()))


def go(app):
    return Go(app.client_id, app.plain)


def said(response):
    return response.status_code, response.json()["error"], response.json()["error_description"]


@pytest.fixture
def lines(caplog):
    """Return a function that returns the lines of the audit log about one action."""
    caplog.set_level("INFO", logger="tokens.audit")

    def read(action="token.refused"):
        entries = [json.loads(record.message) for record in caplog.records if record.name == "tokens.audit"]
        return [line for line in entries if line["action"] == action]

    return read


@pytest.fixture
def counted(monkeypatch):
    """Return a list. Each request that the rate limit of the token endpoint counts is appended to it."""
    count, requests = rate_limit.count, []

    def counting(what, who, rate, *, now):
        requests.append(what)
        return count(what, who, rate, now=now)

    monkeypatch.setattr(rate_limit, "count", counting)
    return requests


@pytest.fixture(autouse=True)
def later(monkeypatch, at):
    """Stop the clock. Return a function that sets the clock to a timedelta after the start of the test."""
    start = timezone.now()
    monkeypatch.setattr(refusal_store, "KEPT", 60)

    def wait(delta):
        at(start + delta)

    wait(timedelta(0))
    return wait


def token_form(code):
    return {"grant_type": "authorization_code", "code": code, "redirect_uri": CALLBACK, "code_verifier": VERIFIER}


def scope_is_missing(app, code):
    return {"grant_type": "client_credentials"}, (400, "invalid_scope", "Name at least one scope.")


def scope_is_unknown(app, code):
    unknown = "The scope notes:burn is unknown, or this client may not request it."
    return {"grant_type": "client_credentials", "scope": "notes:burn"}, (400, "invalid_scope", unknown)


def resource_is_unknown(app, code):
    form = {"grant_type": "client_credentials", "resource": OTHER_API}
    return form, (400, "invalid_target", "The resource is unknown, or this client may not use it.")


def secret_is_wrong(app, code):
    app.plain = "wrong"
    return {"grant_type": "client_credentials", "scope": "notes:read"}, (401, "invalid_client", AUTHENTICATION)


def client_is_disabled(app, code):
    Client.objects.update(is_active=False)
    return {"grant_type": "client_credentials", "scope": "notes:read"}, (401, "invalid_client", AUTHENTICATION)


def grant_type_is_not_allowed(app, code):
    Client.objects.update(grants=[])
    form = {"grant_type": "client_credentials", "scope": "notes:read"}
    return form, (400, "unauthorized_client", "This client may not use the grant type.")


def grant_type_is_unknown(app, code):
    expected = (400, "unsupported_grant_type", "This issuer does not know the grant type.")
    return {"grant_type": "password", "username": "ada", "password": "correct horse"}, expected


def code_is_made_up(app, code):
    unknown = "The authorization code is unknown, expired, or another client's."
    return token_form("made-up"), (400, "invalid_grant", unknown)


def code_is_empty(app, code):
    return token_form(""), (400, "invalid_request", "Missing code parameter.")


def code_was_used(app, code):
    form = token_form(code(app))
    assert go(app).in_header(form).status_code == 200
    return form, (400, "invalid_grant", "The authorization code was used before.")


def redirect_uri_is_wrong(app, code):
    form = token_form(code(app)) | {"redirect_uri": f"{CALLBACK}2"}
    return form, (400, "invalid_grant", "The redirect URI is not that of the authorization request.")


def verifier_is_missing(app, code):
    form = token_form(code(app)) | {"code_verifier": ""}
    return form, (400, "invalid_grant", "Missing code_verifier parameter.")


def refresh_token(app, code):
    first = go(app).in_header(token_form(code(app, scope=STAYS))).json()["refresh_token"]
    return {"grant_type": "refresh_token", "refresh_token": first}


def refresh_token_is_made_up(app, code):
    unknown = "The refresh token is unknown, expired, or another client's."
    return {"grant_type": "refresh_token", "refresh_token": "made-up"}, (400, "invalid_grant", unknown)


def refresh_token_was_used(app, code):
    form = refresh_token(app, code)
    assert go(app).in_header(form).status_code == 200
    RefreshToken.objects.exclude(used_at=None).update(used_at=timezone.now() - RETRY_WINDOW - timedelta(seconds=1))
    return form, (400, "invalid_grant", "The refresh token was used before; its family is revoked.")


def grant_was_revoked(app, code):
    form = refresh_token(app, code)
    UserGrant.objects.update(revoked_at=timezone.now())
    return form, (400, "invalid_grant", "The grant was revoked.")


def user_is_waited_for(app, code):
    begun = post(Browser(), "/oauth/device", {"scope": "notes:read"}, **basic("app", app.plain)).json()
    form = {"grant_type": GrantType.DEVICE_CODE.value, "device_code": begun["device_code"]}
    return form, (400, "authorization_pending", "The user has not answered yet.")


MISTAKES = [
    scope_is_missing,
    scope_is_unknown,
    resource_is_unknown,
    secret_is_wrong,
    client_is_disabled,
    grant_type_is_not_allowed,
    grant_type_is_unknown,
    code_is_made_up,
    code_is_empty,
    code_was_used,
    redirect_uri_is_wrong,
    verifier_is_missing,
    refresh_token_is_made_up,
    refresh_token_was_used,
    grant_was_revoked,
    user_is_waited_for,
]
each_mistake = pytest.mark.parametrize("mistake", MISTAKES, ids=lambda mistake: mistake.__name__)


@each_mistake
def test_the_second_answer_has_the_true_reason_and_the_pair_counts_once(app, code, lines, counted, mistake):
    form, expected = mistake(app, code)
    before, counted[:] = len(lines()), []
    first, second = go(app).twice(form)
    assert (said(first), said(second)) == (expected, expected)
    assert second["Cache-Control"] == "no-store"
    assert counted == ["token"]
    (line,) = lines()[before:]
    assert (line["subject"], line["details"]["error"]) == ("client:app", expected[1])
    if expected[1] != "invalid_client":
        unnamed = expected[2].replace("The scope notes:burn", "A scope")  # the log repeats no parameter
        assert line["details"]["reason"] == unnamed


@pytest.mark.parametrize(
    "mistake",
    [mistake for mistake in MISTAKES if mistake not in (refresh_token_was_used, user_is_waited_for)],
    ids=lambda mistake: mistake.__name__,
)
def test_while_the_cache_is_away_each_request_has_the_true_reason_on_its_own(app, code, lines, monkeypatch, mistake):
    form, expected = mistake(app, code)
    before = len(lines())
    monkeypatch.setattr(cache_circuit, "caches", {})
    monkeypatch.setattr(cache_circuit, "circuits", {})
    first, second = go(app).twice(form)
    assert (said(first), said(second)) == (expected, expected)
    assert len(lines()[before:]) == 2


def test_a_code_that_was_refused_twice_is_not_redeemed(app, code):
    form = token_form(code(app))
    go(app).twice(form | {"redirect_uri": f"{CALLBACK}2"})
    assert go(app).in_header(form).status_code == 200


def test_a_reused_refresh_token_is_one_event(app, code, lines):
    form, _ = refresh_token_was_used(app, code)
    go(app).twice(form)
    assert len(lines("grant.reuse_detected")) == 1


def test_a_device_that_polls_twice_each_time_is_not_slowed_down(app, code, later):
    form, expected = user_is_waited_for(app, code)
    for number in range(4):
        later(timedelta(seconds=5 * number))
        assert [said(answer) for answer in go(app).twice(form)] == [expected, expected]
    assert DeviceCode.objects.get().interval == 5


def test_a_device_that_polls_twice_in_one_place_is_slowed_down(app, code):
    form, expected = user_is_waited_for(app, code)
    assert said(go(app).in_header(form)) == expected
    assert said(go(app).in_header(form))[1] == "slow_down"


MISSING = {"grant_type": "client_credentials"}
UNKNOWN = MISSING | {"scope": "notes:burn"}


@pytest.mark.parametrize(
    "second",
    [
        pytest.param(lambda app: go(app).in_body(UNKNOWN), id="another body"),
        pytest.param(lambda app: go(app).in_body(MISSING | {"x": "y"}), id="one more parameter"),
        pytest.param(lambda app: go(app).in_body(MISSING, REMOTE_ADDR="192.0.2.7"), id="another address"),
        pytest.param(lambda app: Go("app", "wrong").in_body(MISSING), id="another secret"),
        pytest.param(lambda app: Go("app", "").in_body(MISSING), id="no secret"),
        pytest.param(lambda app: go(app).in_header(MISSING), id="the header again"),
    ],
)
def test_another_request_is_counted_and_logged_on_its_own(app, lines, counted, second):
    first = go(app).in_header(MISSING)
    answer = second(app)
    assert (first.status_code, answer.status_code >= 400) == (400, True)
    assert counted == ["token", "token"]
    assert len(lines()) == 2


def test_a_wrong_secret_does_not_get_the_answer_of_the_right_one(app):
    assert said(go(app).in_header(MISSING))[1] == "invalid_scope"
    assert said(Go("app", "wrong").in_body(MISSING))[1] == "invalid_client"


def test_a_first_request_has_one_second_try(app, lines, counted):
    go(app).twice(MISSING)
    assert said(go(app).in_body(MISSING))[1] == "invalid_scope"
    assert (len(counted), len(lines())) == (2, 2)


def test_a_late_repetition_is_a_request_of_its_own(app, lines, counted, later):
    go(app).in_header(MISSING)
    later(WINDOW + timedelta(milliseconds=100))
    assert said(go(app).in_body(MISSING))[1] == "invalid_scope"
    assert (len(counted), len(lines())) == (2, 2)


def test_what_changed_between_two_attempts_counts_for_the_next_one(app):
    """The stored refusal of a first request answers its second try, and no later request.

    The client is refused twice and is then changed. Its third request gets a token.
    """
    Client.objects.update(grants=[])
    form = MISSING | {"scope": "notes:read"}
    go(app).twice(form)
    Client.objects.update(grants=["client_credentials"])
    assert go(app).in_header(form).status_code == 200


def test_a_client_that_is_pinned_to_the_body_gets_its_token_by_the_second_try(app, lines, counted):
    Client.objects.update(token_endpoint_auth_method="client_secret_post", pins_authentication_method=True)
    first, second = go(app).twice(MISSING | {"scope": "notes:read"})
    assert (first.status_code, second.status_code) == (401, 200)
    assert (len(counted), len(lines()), len(lines("token.issued"))) == (1, 1, 1)


def test_a_client_that_is_pinned_to_the_body_reads_the_true_reason(app, lines, counted):
    Client.objects.update(token_endpoint_auth_method="client_secret_post", pins_authentication_method=True)
    first, second = go(app).twice(MISSING)
    assert [said(answer)[1] for answer in (first, second)] == ["invalid_client", "invalid_scope"]
    assert counted == ["token"]
    assert [line["details"]["error"] for line in lines()] == ["invalid_client", "invalid_scope"]


def test_a_client_that_is_pinned_to_the_header_reads_the_true_reason_and_gets_no_token_by_the_body(app):
    Client.objects.update(pins_authentication_method=True)
    first, second = go(app).twice(MISSING)
    assert said(first) == said(second) == (400, "invalid_scope", "Name at least one scope.")
    assert go(app).in_body(MISSING | {"scope": "notes:read"}).status_code == 401


def test_a_public_client_with_an_empty_secret_reads_the_true_reason(apis, lines, counted):
    make_client("phone", "authorization_code", public=True)
    first, second = Go("phone", "").twice(token_form("made-up"))
    assert [said(answer)[1] for answer in (first, second)] == ["invalid_client", "invalid_grant"]
    assert counted == ["token"]
    assert [line["details"]["error"] for line in lines()] == ["invalid_client", "invalid_grant"]


def test_a_pair_at_the_limit_is_answered_and_the_next_request_is_not(app, settings):
    settings.ISSUER = settings.ISSUER | {"RATE_LIMITS": {"token": (1, 86_400)}}
    assert go(app).in_header(MISSING | {"scope": "notes:read"}).status_code == 200  # from now on it is known by name
    first, second = go(app).twice(MISSING)
    assert said(first) == said(second) == (400, "invalid_scope", "Name at least one scope.")
    assert go(app).in_header(MISSING).status_code == 429
    assert go(app).in_body(MISSING).status_code == 429


@pytest.mark.parametrize(
    ("path", "action", "form"),
    [
        ("/oauth/revoke", "revocation.refused", {"token_type_hint": "x"}),
        ("/oauth/introspect", "introspection.refused", {"token_type_hint": "x"}),
        ("/oauth/device", "device.request_refused", {"scope": "notes:burn"}),
    ],
)
def test_every_endpoint_where_clients_authenticate_takes_the_pair_for_one(app, lines, counted, path, action, form):
    own = {"client_id": "app", "client_secret": app.plain}
    first = post(Browser(), path, form, **basic("app", app.plain))
    second = post(Browser(), path, form | own)
    assert first.status_code == 400
    assert said(second) == said(first)
    assert (len(counted), len(lines(action))) == (1, 1)
    assert post(Browser(), "/oauth/token", form | own).json()["error"] == "invalid_request", "no other endpoint's"


def test_the_cache_keeps_no_secret_and_no_parameter(app, code, monkeypatch):
    kept = []
    cache = caches["default"]
    put = cache.set
    monkeypatch.setattr(cache, "set", lambda *args, **kwargs: kept.append(args) or put(*args, **kwargs))
    form = refresh_token_is_made_up(app, code)[0] | {"refresh_token": "a-refresh-token"}
    assert go(app).in_header(form).status_code == 400
    ((name, value, seconds),) = kept
    for text in (app.plain, "a-refresh-token", "app", base64.b64encode(app.plain.encode()).decode()):
        assert text not in f"{name} {value}"
    assert seconds == refusal_store.KEPT
    assert WINDOW.total_seconds() < KEPT <= 2 * WINDOW.total_seconds()


@pytest.mark.parametrize("by_secret", [True, False])
def test_only_a_request_by_the_header_that_was_refused_is_remembered(app, monkeypatch, by_secret):
    kept = []
    monkeypatch.setattr(refusal_store, "keep", lambda *args, **_: kept.append(args))
    if by_secret:
        assert go(app).in_header(MISSING | {"scope": "notes:read"}).status_code == 200
        assert go(app).in_body(MISSING).status_code == 400
    else:
        assert post(Browser(), "/oauth/token", MISSING, HTTP_AUTHORIZATION="Bearer x").status_code == 401
        assert post(Browser(), "/oauth/token", MISSING).status_code == 401
    assert kept == []


def test_a_client_that_repeats_a_request_after_a_503_is_counted_and_gets_its_token(app, later, counted):
    for active in (False, True):  # revokes the tokens of this second
        app.is_active = active
        app.save()
    form = {"grant_type": "client_credentials", "scope": "notes:read"}
    assert said(go(app).in_header(form))[:2] == (503, "temporarily_unavailable")
    later(WINDOW - timedelta(milliseconds=1))
    assert go(app).in_body(form).status_code == 200
    assert len(counted) == 2


def test_an_entry_of_another_release_is_ignored(app, code, monkeypatch):
    monkeypatch.setattr(refusal_store, "take", lambda *_, **__: ("invalid_scope", "of another release"))
    assert go(app).in_body({"grant_type": "client_credentials", "scope": "notes:read"}).status_code == 200


def test_a_request_that_adds_a_proof_is_another_request(app):
    Client.objects.update(dpop_bound_access_tokens=True)
    form = {"grant_type": "client_credentials", "scope": "notes:read"}
    assert said(go(app).in_header(form))[:2] == (400, "invalid_dpop_proof")
    proof = Key().proof("POST", "http://localhost:8000/oauth/token", iat=int(timezone.now().timestamp()))
    answer = go(app).in_body(form, HTTP_DPOP=proof)
    assert answer.status_code == 200, answer.content
    assert answer.json()["token_type"] == "DPoP"


def test_a_request_that_answers_use_dpop_nonce_is_another_request(app, settings):
    settings.ISSUER = settings.ISSUER | {"DPOP_REQUIRES_NONCE": True}
    form, key = {"grant_type": "client_credentials", "scope": "notes:read"}, Key()
    proof = {"method": "POST", "url": "http://localhost:8000/oauth/token", "iat": int(timezone.now().timestamp())}
    first = go(app).in_header(form, HTTP_DPOP=key.proof(**proof))
    assert first.json()["error"] == "use_dpop_nonce"
    assert go(app).in_body(form, HTTP_DPOP=key.proof(**proof, nonce=first["DPoP-Nonce"])).status_code == 200


def test_a_refused_request_with_a_proof_has_no_second_try(app, lines, counted):
    proof = Key().proof("POST", "http://localhost:8000/oauth/token", iat=int(timezone.now().timestamp()))
    first = go(app).in_header(MISSING, HTTP_DPOP=proof)
    second = go(app).in_body(MISSING, HTTP_DPOP=proof)
    assert (first.status_code, second.status_code) == (400, 400)
    assert counted == ["token", "token"]
    assert len(lines()) == 2


def test_a_request_without_a_proof_is_still_the_second_try(app, lines):
    Client.objects.update(dpop_bound_access_tokens=True)
    first, second = go(app).twice({"grant_type": "client_credentials", "scope": "notes:read"})
    assert said(first) == said(second)
    assert len(lines()) == 1
