"""Dynamic client registration (RFC 7591, RFC 7592).

It is off by default. The number of registrations is limited. A client can manage only its own registration.
"""

import hmac
import json
from datetime import timedelta

import pytest
from django.utils import timezone

from tests.tokens.assertions import jwks
from tests.tokens.factories import API, allow, authorization, log_in, make_client, parameters, post, redeem
from tests.tokens.jose.test_key_text import private_jwk
from tokens import registry_lock
from tokens.limits import cache_circuit, rate_limit
from tokens.models import AuditEvent, Client, ClientSecret, Consent, InitialAccessToken, OpenClient, Revocation
from tokens.open_clients import dynamic_client, idle_client, initial_token

pytestmark = pytest.mark.django_db
REGISTER = "/oauth/register"
CALLBACK = "https://client.example/callback"
PUBLIC = {"client_name": "Viewer", "redirect_uris": [CALLBACK], "token_endpoint_auth_method": "none"}
GRANTS = ["authorization_code", "refresh_token"]


@pytest.fixture
def mode(settings, apis, signer):
    """Return a function that sets the mode of dynamic registration for the rest of the test."""

    def choose(name, **entries):
        opened = {"OPEN_CLIENT_SCOPES": ["notes:read", "unknown:scope"], "RATE_LIMITS": {"register": (1000, 60)}}
        settings.ISSUER = settings.ISSUER | opened | {"DYNAMIC_REGISTRATION": name} | entries

    return choose


@pytest.fixture
def browser(client, mode):
    mode("open")
    return client


def send(browser, body, path=REGISTER, *, token=None, method="post", **extra):
    text = body if isinstance(body, str | bytes) else json.dumps(body)
    headers = {"HTTP_AUTHORIZATION": f"Bearer {token}"} if token is not None else {}
    call = browser.generic("POST", path, text, "application/json", **headers, **extra)
    if method == "post":
        return call
    raise AssertionError(method)


def call(browser, method, address, token=None, body=None):
    path = address.removeprefix("http://localhost:8000")
    headers = {"HTTP_AUTHORIZATION": f"Bearer {token}"} if token is not None else {}
    return browser.generic(method, path, json.dumps(body) if body is not None else "", "application/json", **headers)


def registered(browser, **changes):
    answer = send(browser, PUBLIC | changes)
    assert answer.status_code == 201, answer.content
    return answer.json()


def refused(answer, status, error):
    assert (answer.status_code, answer.json()["error"]) == (status, error), answer.content
    assert not Client.objects.exists()


def test_registration_is_off_by_default(client, apis, signer):
    answer = send(client, PUBLIC)
    refused(answer, 404, "not_found")
    assert "DYNAMIC_REGISTRATION" in answer.json()["error_description"]


def test_a_public_client_registers_and_logs_a_user_in(browser, user, decode):
    answer = send(browser, PUBLIC | {"grant_types": GRANTS, "scope": "notes:write admin"})
    assert (answer.status_code, answer["Cache-Control"]) == (201, "no-store")
    body = answer.json()
    made = Client.objects.get()
    assert body == {
        "client_id": made.client_id,
        "client_id_issued_at": int(made.open_client.created_at.timestamp()),
        "registration_access_token": body["registration_access_token"],
        "registration_client_uri": f"http://localhost:8000/oauth/register/{made.client_id}",
        "client_name": "Viewer",
        "redirect_uris": [CALLBACK],
        "grant_types": GRANTS,
        "response_types": ["code"],
        "token_endpoint_auth_method": "none",
        "scope": "openid profile email offline_access notes:read",
    }
    assert (made.registered_by, made.skip_authorization, len(made.client_id)) == ("dynamic", False, 22)
    log_in(browser, user)
    page = browser.get("/oauth/authorize", authorization(made)).content.decode()
    assert "registered itself" in page
    code = parameters(allow(browser, authorization(made)))["code"]
    token = redeem(browser, made, code).json()["access_token"]
    assert decode(token, API)[1]["client_id"] == made.client_id
    assert (
        parameters(browser.get("/oauth/authorize", authorization(made, scope="notes:write")))["error"]
        == "invalid_scope"
    )


LISTENING = {
    "localhost": ("none", "http://localhost/callback", True),
    "localhost with a port": ("none", "http://localhost:3334/callback", True),
    "only 127.0.0.1": ("none", "http://127.0.0.1/callback", False),
    "a confidential client": ("client_secret_post", "http://localhost/callback", False),
}


@pytest.mark.parametrize("case", LISTENING)
def test_a_public_client_on_localhost_may_listen_at_any_port(browser, user, case):
    method, uri, free = LISTENING[case]
    registered(browser, redirect_uris=[uri], token_endpoint_auth_method=method)
    made = Client.objects.get()
    assert made.allows_any_localhost_port == (True if free else None)
    log_in(browser, user)
    page = browser.get("/oauth/authorize", authorization(made, redirect_uri="http://localhost:41887/callback"))
    assert page.status_code == (200 if free else 400)


def test_a_client_that_moves_away_from_localhost_loses_the_free_port(browser):
    registration = registered(browser, redirect_uris=["http://localhost/callback"])
    assert Client.objects.get().allows_any_localhost_port
    body = PUBLIC | {"client_id": registration["client_id"]}
    answer = call(
        browser, "PUT", registration["registration_client_uri"], registration["registration_access_token"], body
    )
    assert answer.status_code == 200
    assert Client.objects.get().allows_any_localhost_port is None


KEYED = {"token_endpoint_auth_method": "private_key_jwt", "jwks": jwks()}
SWITCHES = {"require_pushed_authorization_requests": {}, "require_signed_request_object": KEYED}


@pytest.mark.parametrize("member", SWITCHES)
def test_a_client_can_hold_itself_to_pushed_or_signed_requests_and_change_that(browser, member):
    registration = registered(browser, **{member: True}, **SWITCHES[member])
    assert registration[member] is True
    assert getattr(Client.objects.get(), member) is True
    body = PUBLIC | SWITCHES[member] | {"client_id": registration["client_id"]}
    answer = call(
        browser, "PUT", registration["registration_client_uri"], registration["registration_access_token"], body
    )
    assert (answer.status_code, member in answer.json()) == (200, False)
    assert getattr(Client.objects.get(), member) is None


def test_a_client_without_keys_cannot_hold_itself_to_signed_requests(browser):
    refused(send(browser, PUBLIC | {"require_signed_request_object": True}), 400, "invalid_client_metadata")


@pytest.mark.parametrize("value", ["true", 1, [], {}], ids=repr)
def test_a_flag_that_is_not_true_or_false_is_refused(browser, value):
    answer = send(browser, PUBLIC | {"require_pushed_authorization_requests": value})
    refused(answer, 400, "invalid_client_metadata")


@pytest.mark.parametrize("host", ["localhost.example", "localhost:1@evil.example", "localhost@evil.example"])
def test_a_host_that_begins_like_localhost_is_refused(browser, host):
    answer = send(browser, PUBLIC | {"redirect_uris": [f"http://{host}/callback"]})
    refused(answer, 400, "invalid_redirect_uri")


@pytest.mark.parametrize("method", [None, "client_secret_basic", "client_secret_post"])
def test_a_client_with_a_secret_gets_it_once(browser, user, method):
    registration = registered(browser, token_endpoint_auth_method=method)
    assert registration["token_endpoint_auth_method"] == (method or "client_secret_basic")
    assert registration["client_secret_expires_at"] == 0
    made = Client.objects.get()
    made.plain = registration["client_secret"]
    log_in(browser, user)
    code = parameters(allow(browser, authorization(made)))["code"]
    assert redeem(browser, made, code, client_secret="wrong").status_code == 401
    assert redeem(browser, made, code).status_code == 200
    stored = call(
        browser, "GET", registration["registration_client_uri"], registration["registration_access_token"]
    ).json()
    assert "client_secret" not in stored


def test_a_client_can_register_that_it_always_uses_dpop_and_change_it(browser):
    body = registered(browser, dpop_bound_access_tokens=True)
    assert body["dpop_bound_access_tokens"] is True
    assert Client.objects.get().dpop_bound_access_tokens is True
    address, token = body["registration_client_uri"], body["registration_access_token"]
    changed = call(browser, "PUT", address, token, PUBLIC | {"client_id": body["client_id"]})
    assert "dpop_bound_access_tokens" not in changed.json()
    assert Client.objects.get().dpop_bound_access_tokens is None


@pytest.mark.parametrize("value", [False, None])
def test_a_client_that_does_not_always_use_dpop_is_not_required_to_use_it(browser, value):
    registered(browser, dpop_bound_access_tokens=value)
    assert Client.objects.get().dpop_bound_access_tokens is None


def test_a_client_with_a_key_gets_no_secret(browser):
    registration = registered(browser, token_endpoint_auth_method="private_key_jwt", jwks=jwks())
    assert "client_secret" not in registration
    assert registration["jwks"] == jwks()
    assert not ClientSecret.objects.exists()


def test_nothing_that_is_shown_once_is_stored_or_logged(browser, caplog):
    registration = registered(browser, token_endpoint_auth_method="client_secret_post")
    rows = [*OpenClient.objects.values(), *Client.objects.values(), *AuditEvent.objects.values()]
    for secret in (registration["registration_access_token"], registration["client_secret"]):
        assert secret not in str([*rows, *ClientSecret.objects.values()])
        assert secret not in caplog.text


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"redirect_uris": []}, "invalid_redirect_uri"),
        ({"redirect_uris": None}, "invalid_redirect_uri"),
        ({"redirect_uris": ["http://client.example/callback"]}, "invalid_redirect_uri"),
        ({"redirect_uris": ["myapp:/callback"]}, "invalid_redirect_uri"),
        ({"redirect_uris": ["javascript:alert(1)"]}, "invalid_redirect_uri"),
        ({"redirect_uris": [f"{CALLBACK}#x"]}, "invalid_redirect_uri"),
        ({"redirect_uris": [f"{CALLBACK}/{n}" for n in range(21)]}, "invalid_redirect_uri"),
        ({"redirect_uris": CALLBACK}, "invalid_client_metadata"),
        ({"grant_types": ["client_credentials"]}, "invalid_client_metadata"),
        ({"grant_types": ["refresh_token"]}, "invalid_client_metadata"),
        ({"grant_types": ["urn:ietf:params:oauth:grant-type:token-exchange"]}, "invalid_client_metadata"),
        ({"grant_types": ["urn:ietf:params:oauth:grant-type:device_code"]}, "invalid_client_metadata"),
        ({"response_types": ["token"]}, "invalid_client_metadata"),
        ({"token_endpoint_auth_method": "client_secret_jwt"}, "invalid_client_metadata"),
        ({"token_endpoint_auth_method": "tls_client_auth"}, "invalid_client_metadata"),
        ({"token_endpoint_auth_method": "private_key_jwt"}, "invalid_client_metadata"),
        (
            {"token_endpoint_auth_method": "private_key_jwt", "jwks_uri": "http://a.example/k"},
            "invalid_client_metadata",
        ),
        (
            {"token_endpoint_auth_method": "private_key_jwt", "jwks_uri": "https://10.0.0.1/k"},
            "invalid_client_metadata",
        ),
        ({"jwks": {"keys": [private_jwk()]}}, "invalid_client_metadata"),
        ({"software_statement": "a.b.c"}, "invalid_software_statement"),
        ({"software_statement": None}, "invalid_software_statement"),
        ({"client_name": "a\u202eb"}, "invalid_client_metadata"),
        ({"client_name": "x" * 101}, "invalid_client_metadata"),
        ({"client_name": 7}, "invalid_client_metadata"),
        ({"dpop_bound_access_tokens": "true"}, "invalid_client_metadata"),
        ({"dpop_bound_access_tokens": 1}, "invalid_client_metadata"),
    ],
)
def test_metadata_that_is_not_permitted_is_refused_by_the_rfc_s_error(browser, changes, error):
    refused(send(browser, PUBLIC | changes), 400, error)


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b" ", 400),
        (b"[]", 400),
        (b'"x"', 400),
        (b"{", 400),
        (b"\xff", 400),
        (b'{"a": 1, "a": 2}', 400),
        (b'{"client_name": "\\u0000"}', 400),
        (b'{"client_name": "\\ud800"}', 400),
        (b"[" * 10_000, 400),
        (b" " * (16 * 1024 + 1), 413),
    ],
)
def test_a_body_that_is_no_small_json_object_is_refused(browser, body, status):
    refused(send(browser, body), status, "invalid_client_metadata")


def test_a_body_of_another_type_or_without_a_length_is_refused(browser):
    refused(browser.generic("POST", REGISTER, json.dumps(PUBLIC), "text/plain"), 415, "invalid_client_metadata")
    refused(post(browser, REGISTER, {"client_name": "x"}), 415, "invalid_client_metadata")
    refused(send(browser, PUBLIC, CONTENT_LENGTH=""), 411, "invalid_client_metadata")


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "PATCH"])
def test_another_method_is_refused(browser, method):
    answer = browser.generic(method, REGISTER, "{}", "application/json")
    assert (answer.status_code, answer["Allow"]) == (405, "POST")


def test_pages_of_every_origin_may_register_a_client_without_cookies(browser):
    preflight = {"HTTP_ORIGIN": "https://any.example", "HTTP_ACCESS_CONTROL_REQUEST_METHOD": "POST"}
    preflight_answer = browser.options(REGISTER, **preflight)
    assert (preflight_answer.status_code, preflight_answer["Access-Control-Allow-Origin"]) == (204, "*")
    assert "Content-Type" in preflight_answer["Access-Control-Allow-Headers"]
    answers = [send(browser, body, HTTP_ORIGIN="https://any.example") for body in (PUBLIC, {})]
    assert [(answer.status_code, answer["Access-Control-Allow-Origin"]) for answer in answers] == [
        (201, "*"),
        (400, "*"),
    ]
    assert "Access-Control-Allow-Credentials" not in answers[0].headers
    assert all("WWW-Authenticate" in answer["Access-Control-Expose-Headers"] for answer in answers)
    assert Client.objects.get().allowed_origins == "https://client.example"


def test_registrations_from_one_address_are_limited(browser, mode):
    mode("open", RATE_LIMITS={"register": (2, 3600)})
    answers = [send(browser, PUBLIC) for _ in range(3)]
    assert [answer.status_code for answer in answers] == [201, 201, 429]
    assert int(answers[2]["Retry-After"]) > 0


def test_registrations_are_refused_while_they_cannot_be_counted(browser, monkeypatch):
    def fail(*_args, **_options):
        raise cache_circuit.NotCounted

    monkeypatch.setattr(rate_limit, "count", fail)
    answer = send(browser, PUBLIC)
    assert (answer["Retry-After"], Client.objects.exists()) == ("5", False)
    refused(answer, 503, "temporarily_unavailable")


def test_too_many_unused_clients_stop_further_registrations(browser, monkeypatch):
    registered(browser)
    monkeypatch.setattr(idle_client, "MOST_UNUSED", 1)
    answer = send(browser, PUBLIC)
    assert (answer.status_code, Client.objects.count()) == (503, 1)
    Client.objects.update(last_used_on=timezone.now().date())
    assert send(browser, PUBLIC).status_code == 201


def initial(registrations=1, *, lasts=timedelta(hours=1), now=None):
    token = InitialAccessToken(note="for tests", registrations_left=registrations, expires_at=timezone.now() + lasts)
    return token, initial_token.create(token, actor="test", now=now or timezone.now())


def test_a_token_permits_as_many_registrations_as_it_says(client, mode):
    mode("token")
    token, text = initial(2)
    assert [send(client, PUBLIC, token=text).status_code for _ in range(3)] == [201, 201, 401]
    assert token.clients.count() == 2
    event = AuditEvent.objects.filter(action="client.created").first()
    assert event.actor == f"initial_token:{token.pk} …{text[-4:]}"


def test_a_refused_registration_is_not_counted(client, mode):
    mode("token")
    token, text = initial()
    assert send(client, PUBLIC | {"redirect_uris": []}, token=text).status_code == 400
    token.refresh_from_db()
    assert token.registrations_left == 1


def test_without_a_valid_token_nothing_is_registered(client, mode, at):
    mode("token")
    expired, revoked = initial(lasts=timedelta(minutes=1)), initial()
    initial_token.revoke(revoked[0], actor="test", now=timezone.now())
    missing = send(client, PUBLIC)
    assert missing["WWW-Authenticate"] == 'Bearer realm="registration"'
    refused(missing, 401, "invalid_token")
    at(timezone.now() + timedelta(minutes=2))
    for text in ("wrong", expired[1], revoked[1], initial()[1] + "x"):
        answer = send(client, PUBLIC, token=text)
        assert answer["WWW-Authenticate"] == 'Bearer realm="registration", error="invalid_token"'
        refused(answer, 401, "invalid_token")
    assert send(client, PUBLIC, token=initial()[1]).status_code == 201


def test_a_client_without_a_valid_token_gets_no_error_about_its_metadata(client, mode):
    mode("token")
    refused(send(client, {"software_statement": "x"}, token="wrong"), 401, "invalid_token")


def test_an_initial_token_reads_no_client(client, mode):
    mode("token")
    _, text = initial(2)
    body = send(client, PUBLIC, token=text).json()
    assert call(client, "GET", body["registration_client_uri"], text).status_code == 401


@pytest.mark.parametrize("method", ["GET", "PUT"])
@pytest.mark.parametrize("meanwhile", ["deleted", "blocked"])
def test_a_client_that_ends_during_its_request_is_refused(browser, monkeypatch, method, meanwhile):
    registration, real = registered(browser), dynamic_client.authenticate

    def authenticate(*arguments):
        client = real(*arguments)
        Client.objects.all().delete() if meanwhile == "deleted" else Client.objects.update(is_active=False)
        return client

    monkeypatch.setattr(dynamic_client, "authenticate", authenticate)
    body = PUBLIC | {"client_id": registration["client_id"], "client_name": "Reader"}
    answer = call(
        browser, method, registration["registration_client_uri"], registration["registration_access_token"], body
    )
    assert answer.status_code == (200 if (method, meanwhile) == ("GET", "blocked") else 401)
    assert not Client.objects.filter(name="Reader").exists()


@pytest.mark.parametrize(("token", "status"), [("wrong", 401), (None, 400)])
def test_a_registration_that_is_refused_locks_nothing(client, mode, monkeypatch, token, status):
    mode("token")
    monkeypatch.setattr(registry_lock, "lock", lambda: pytest.fail("the registry was locked"))
    assert send(client, PUBLIC | {"redirect_uris": []}, token=token or initial()[1]).status_code == status


def test_a_client_reads_changes_and_deletes_itself(browser, user):
    registration = registered(browser)
    address, token = registration["registration_client_uri"], registration["registration_access_token"]
    assert call(browser, "GET", address, token).json() == registration
    made = Client.objects.get()
    log_in(browser, user)
    allow(browser, authorization(made))
    assert Consent.objects.exists()
    wanted = PUBLIC | {
        "client_id": registration["client_id"],
        "client_name": "Reader",
        "redirect_uris": [f"{CALLBACK}2"],
    }
    answer = call(browser, "PUT", address, token, wanted | {"grant_types": GRANTS})
    assert answer.status_code == 200, answer.content
    assert {name: answer.json()[name] for name in ("client_name", "redirect_uris", "grant_types")} == {
        "client_name": "Reader",
        "redirect_uris": [f"{CALLBACK}2"],
        "grant_types": GRANTS,
    }
    assert not Consent.objects.exists()
    assert browser.get("/oauth/authorize", authorization(made)).status_code == 400
    assert call(browser, "DELETE", address, token).status_code == 204
    assert not Client.objects.exists()
    assert Revocation.objects.filter(kind="client").exists()
    assert call(browser, "GET", address, token).status_code == 401
    actions = AuditEvent.objects.filter(subject=f"client:{registration['client_id']}").order_by("pk")
    assert [event.action for event in actions] == ["client.created", "client.changed", "client.deleted"]


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"client_id": "other"}, "invalid_client_metadata"),
        ({"client_id": None}, "invalid_client_metadata"),
        ({"client_secret": "x" * 43}, "invalid_client_metadata"),
        ({"registration_access_token": "x"}, "invalid_client_metadata"),
        ({"registration_client_uri": "x"}, "invalid_client_metadata"),
        ({"client_id_issued_at": 1}, "invalid_client_metadata"),
        ({"client_secret_expires_at": 0}, "invalid_client_metadata"),
        ({"token_endpoint_auth_method": "client_secret_post"}, "invalid_client_metadata"),
        ({"redirect_uris": ["http://client.example/"]}, "invalid_redirect_uri"),
        ({"software_statement": "x"}, "invalid_software_statement"),
    ],
)
def test_a_change_that_is_not_permitted_is_refused_and_changes_nothing(browser, changes, error):
    registration = registered(browser)
    before = Client.objects.values().get()
    body = PUBLIC | {"client_id": registration["client_id"], "client_name": "Other"} | changes
    answer = call(
        browser, "PUT", registration["registration_client_uri"], registration["registration_access_token"], body
    )
    assert (answer.status_code, answer.json()["error"]) == (400, error)
    assert Client.objects.values().get() == before


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
def test_only_a_client_s_own_registration_token_opens_its_registration(browser, method, webapp):
    mine, other = registered(browser), registered(browser)
    document = Client.objects.create(client_id="https://a.example/c", registered_by="document")
    OpenClient.objects.create(client=document, created_at=timezone.now(), ends_at=timezone.now())
    bare = Client.objects.create(client_id="bare", registered_by="dynamic")
    OpenClient.objects.create(client=bare, created_at=timezone.now(), ends_at=timezone.now())
    address, count = mine["registration_client_uri"], Client.objects.count()
    tries = [
        (address, None),
        (address, ""),
        (address, "wrong"),
        (address, other["registration_access_token"]),
        (f"{REGISTER}/nobody", mine["registration_access_token"]),
        (f"{REGISTER}/webapp", mine["registration_access_token"]),
        (f"{REGISTER}/bare", "x"),
        (f"{REGISTER}/bare", ""),
    ]
    answers = [call(browser, method, where, token, PUBLIC) for where, token in tries]
    assert {(answer.status_code, answer.json()["error"]) for answer in answers} == {(401, "invalid_token")}
    assert Client.objects.count() == count


def test_a_registration_token_is_compared_in_constant_time_also_without_a_client(browser, monkeypatch):
    compared, compare = [], hmac.compare_digest
    monkeypatch.setattr(dynamic_client.hmac, "compare_digest", lambda a, b: compared.append(len(a)) or compare(a, b))
    registration = registered(browser)
    compared.clear()
    for address in (registration["registration_client_uri"], f"{REGISTER}/nobody"):
        call(browser, "GET", address, "wrong")
    assert compared == [64, 64]


def test_a_blocked_client_can_neither_read_nor_delete_itself(browser):
    registration = registered(browser)
    Client.objects.update(is_active=False)
    for method in ("GET", "PUT", "DELETE"):
        answer = call(
            browser, method, registration["registration_client_uri"], registration["registration_access_token"], PUBLIC
        )
        assert answer.status_code == 401
    assert Client.objects.exists()


def test_a_registered_client_manages_itself_after_registration_is_turned_off(browser, mode):
    registration = registered(browser)
    mode("off")
    assert (
        call(
            browser, "GET", registration["registration_client_uri"], registration["registration_access_token"]
        ).status_code
        == 200
    )
    assert send(browser, PUBLIC).status_code == 404


def test_the_policy_limits_grant_types_scopes_and_apis(browser, mode):
    device = "urn:ietf:params:oauth:grant-type:device_code"
    mode("open", OPEN_CLIENT_GRANT_TYPES=[device], OPEN_CLIENT_SCOPES=[], OPEN_CLIENT_APIS=[API])
    registration = registered(browser, grant_types=[device, "authorization_code"], redirect_uris=[])
    assert (registration["grant_types"], registration["scope"]) == ([device], "openid profile email")
    made = Client.objects.get()
    assert [api.identifier for api in made.apis.all()] == [API]


def test_a_client_of_an_operator_is_not_bound_to_the_policy(browser, user, mode):
    mode("open", OPEN_CLIENT_SCOPES=[])
    app = make_client("app", "authorization_code", public=True)
    log_in(browser, user)
    assert browser.get("/oauth/authorize", authorization(app)).status_code == 200
