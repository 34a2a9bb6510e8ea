"""An unregistered client logs a user in by its metadata document.

If the document changes, the client can lose the right to do so.
"""

import json
import re
import time
import uuid
from datetime import timedelta

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from django.core.exceptions import ValidationError
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from tests.tokens.assertions import jwks
from tests.tokens.factories import (
    API,
    allow,
    authorization,
    log_in,
    make_api,
    make_client,
    make_user,
    parameters,
    post,
    redeem,
)
from tests.tokens.open_clients.conftest import ADDRESS, CALLBACK
from tokens.models import Api, AuditEvent, Client, Consent, OpenClient, Revocation
from tokens.open_clients import document_fetch, freshness
from tokens.outbound import StatusError
from tokens.revoking import access

pytestmark = pytest.mark.django_db
AFTER = freshness.UNSTATED + timedelta(seconds=1)
REFUSED = "The document at the client_id is refused"


class Named:
    """A client whose client_id is the address of its document. Helpers of `factories` take it instead of a `Client`."""

    def __init__(self, client_id=ADDRESS):
        self.client_id = client_id


def requested(**changes):
    return authorization(Named(), **({"redirect_uri": CALLBACK, "scope": "openid notes:read"} | changes))


def error_of(page):
    assert page.status_code in {400, 429, 503}, page.status_code
    return re.sub(r"\s+", " ", page.content.decode())


@pytest.fixture
def browser(client, user, apis, hosts):
    log_in(client, user)
    return client


def tokens_of(browser, **changes):
    answer = parameters(allow(browser, requested(**changes)))
    return redeem(browser, Named(), answer["code"], redirect_uri=changes.get("redirect_uri", CALLBACK))


def later(at, how_long=AFTER):
    """Advance the clock of requests by `how_long`, and forget the cached outcomes of fetches."""
    document_fetch.flights.forget()
    at(timezone.now() + how_long)


def test_an_unknown_client_gets_tokens_for_the_open_scopes_by_its_document(browser, decode):
    answer = tokens_of(browser)
    assert answer.status_code == 200, answer.content
    header, claims = decode(answer.json()["access_token"], API)
    assert (header["typ"], claims["client_id"], claims["scope"]) == ("at+jwt", ADDRESS, "notes:read")
    _, identity = decode(answer.json()["id_token"], ADDRESS)
    assert identity["aud"] == ADDRESS
    made = Client.objects.get(client_id=ADDRESS)
    assert (made.name, made.registered_by, made.is_public, made.grants) == (
        "Notes viewer",
        "document",
        True,
        ["authorization_code"],
    )
    event = AuditEvent.objects.get(action="client.created")
    assert (event.actor, event.subject) == ("document:app.example", f"client:{ADDRESS}")


def test_the_document_is_fetched_once_while_it_is_fresh(browser, hosts, signer):
    tokens_of(browser)
    document_fetch.flights.forget()
    tokens_of(browser)
    assert hosts.fetched == [ADDRESS]


def test_the_consent_page_shows_the_host_and_where_the_answer_goes(browser, hosts, signer):
    hosts.publish(redirect_uris=["http://127.0.0.1/callback"])
    page = browser.get("/oauth/authorize", requested(redirect_uri="http://127.0.0.1:7777/callback")).content.decode()
    assert "<strong>app.example</strong>" in page
    assert "<strong>127.0.0.1:7777</strong>" in page
    assert "not registered here" in page


@pytest.mark.parametrize(
    ("registered", "status"), [("http://localhost/callback", 200), ("http://127.0.0.1/callback", 400)]
)
def test_a_document_with_localhost_permits_any_port_of_it(browser, hosts, signer, registered, status):
    hosts.publish(redirect_uris=[registered])
    page = browser.get("/oauth/authorize", requested(redirect_uri="http://localhost:41887/callback"))
    assert page.status_code == status


def test_the_consent_page_shows_the_scheme_of_an_application_and_no_host_after_it(browser, hosts, signer):
    callback = "example.app://bank.example/callback"
    hosts.publish(redirect_uris=[callback])
    page = browser.get("/oauth/authorize", requested(redirect_uri=callback)).content.decode()
    assert "<strong>example.app: (an application on your device)</strong>" in page
    assert "bank.example" not in page


def test_a_client_that_registered_itself_never_skips_the_question(browser, hosts, signer):
    browser.get("/oauth/authorize", requested())
    Client.objects.update(skip_authorization=True)
    assert browser.get("/oauth/authorize", requested()).status_code == 200
    with pytest.raises(ValidationError, match="asks each user"):
        Client.objects.get().full_clean(exclude=["client_id"])
    Client.objects.update(registered_by=None, client_id="own")
    assert browser.get("/oauth/authorize", requested(client_id="own")).status_code == 302


@pytest.mark.parametrize("mode", ["query", "form_post"])
@pytest.mark.parametrize("changes", [{"prompt": "none"}, {"scope": "unknown"}, {"prompt": "none", "scope": "unknown"}])
@pytest.mark.parametrize("is_visitor", [True, False])
def test_no_link_to_the_issuer_redirects_to_the_site_of_an_unregistered_client(
    browser, user, hosts, signer, changes, mode, is_visitor
):
    other = make_client("other", "authorization_code")
    Consent.objects.create(user=user, client=other, audience=API, scope="notes:read", given_at=timezone.now())
    if is_visitor:
        browser.logout()
    page = browser.get("/oauth/authorize", requested(response_mode=mode, **changes))
    assert page.status_code == 400
    assert "location" not in {name.lower() for name in page.headers}
    assert CALLBACK not in page.content.decode()


@pytest.mark.parametrize("changes", [{"prompt": "none", "max_age": "0"}, {"scope": "unknown"}])
def test_an_unregistered_client_that_the_user_allowed_gets_its_errors(browser, user, hosts, signer, changes):
    allow(browser, requested())
    assert "error" in parameters(browser.get("/oauth/authorize", requested(**changes)))
    user.consents.all().delete()
    assert browser.get("/oauth/authorize", requested(**changes)).status_code == 400


def test_an_unregistered_client_that_another_user_allowed_gets_no_errors(browser, hosts, signer):
    allow(browser, requested())
    log_in(browser, make_user("eve"))
    assert browser.get("/oauth/authorize", requested(prompt="none")).status_code == 400


def test_an_unregistered_client_gets_access_denied_if_the_user_refuses(browser, hosts, signer):
    assert parameters(allow(browser, requested(), answer="false"))["error"] == "access_denied"


def test_an_application_on_the_device_gets_its_errors(browser, hosts, signer):
    callback = "http://127.0.0.1/callback"
    hosts.publish(redirect_uris=[callback])
    answer = browser.get("/oauth/authorize", requested(redirect_uri=callback, prompt="none"))
    assert parameters(answer)["error"] == "consent_required"


def test_the_consent_page_of_a_registered_client_has_no_such_warning(browser, webapp, signer):
    page = browser.get("/oauth/authorize", authorization(webapp)).content.decode()
    assert "not registered here" not in page


def test_a_client_without_a_name_is_called_by_its_host(browser, hosts, signer):
    hosts.publish(client_name=None)
    browser.get("/oauth/authorize", requested())
    assert Client.objects.get(client_id=ADDRESS).name == "app.example"


def test_nothing_is_fetched_while_documents_are_off(browser, hosts, turn_on, signer):
    turn_on(CLIENT_ID_METADATA_DOCUMENTS=False)
    text = error_of(browser.get("/oauth/authorize", requested()))
    assert "does not accept client ID metadata documents. Register" in text
    assert "CLIENT_ID_METADATA_DOCUMENTS" in text
    assert (hosts.fetched, Client.objects.filter(client_id=ADDRESS).count()) == ([], 0)


def test_turning_documents_off_stops_their_clients(browser, hosts, turn_on, signer):
    code = parameters(allow(browser, requested()))["code"]
    turn_on(CLIENT_ID_METADATA_DOCUMENTS=False)
    answer = redeem(browser, Named(), code, redirect_uri=CALLBACK)
    assert (answer.status_code, answer.json()["error"]) == (401, "invalid_client")


@pytest.mark.parametrize(
    ("entries", "accepted"),
    [
        ({"CLIENT_DOCUMENT_HOSTS": ["app.example"]}, True),
        ({"CLIENT_DOCUMENT_HOSTS": [".example"]}, True),
        ({"CLIENT_DOCUMENT_HOSTS": ["other.example"]}, False),
        ({"CLIENT_DOCUMENT_HOSTS": ["p.example"]}, False),
        ({"CLIENT_DOCUMENT_DENIED_HOSTS": ["app.example"]}, False),
        ({"CLIENT_DOCUMENT_DENIED_HOSTS": [".app.example"]}, False),
        ({"CLIENT_DOCUMENT_HOSTS": ["app.example"], "CLIENT_DOCUMENT_DENIED_HOSTS": [".example"]}, False),
    ],
)
def test_hosts_are_allowed_and_denied_by_the_settings(browser, hosts, turn_on, signer, entries, accepted):
    turn_on(**entries)
    page = browser.get("/oauth/authorize", requested())
    assert (page.status_code == 200) is accepted
    assert bool(hosts.fetched) is accepted


def test_a_denied_host_stops_a_client_that_is_known(browser, turn_on, signer):
    tokens_of(browser)
    turn_on(CLIENT_DOCUMENT_DENIED_HOSTS=["app.example"])
    assert "of this host" in error_of(browser.get("/oauth/authorize", requested()))


@pytest.mark.parametrize("scope", ["openid notes:write", "notes:read other:read", "other:read"])
def test_scopes_that_are_not_open_are_refused(browser, signer, scope):
    allow(browser, requested())
    answer = parameters(browser.get("/oauth/authorize", requested(scope=scope)))
    assert answer["error"] in {"invalid_scope", "invalid_target"}


def test_a_scope_that_is_removed_from_the_settings_is_refused_at_once(browser, turn_on, signer):
    tokens_of(browser)
    turn_on(OPEN_CLIENT_SCOPES=[], OPEN_CLIENT_APIS=[])
    assert parameters(browser.get("/oauth/authorize", requested()))["error"] == "invalid_scope"
    assert (
        parameters(browser.get("/oauth/authorize", requested(scope="openid", resource=API)))["error"]
        == "invalid_target"
    )


def test_a_refresh_token_gives_no_scope_that_is_removed_from_the_settings(browser, keyed, turn_on):
    token = refresh_token(browser, keyed)
    assert keyed.refresh(browser, token, "two").json()["scope"] == "openid offline_access notes:read"
    turn_on(OPEN_CLIENT_SCOPES=[], OPEN_CLIENT_APIS=[])
    assert keyed.refresh(browser, token, "two").json()["error"] == "invalid_grant"


def test_the_device_page_warns_of_a_client_that_registered_itself(browser, hosts, turn_on, signer):
    device = "urn:ietf:params:oauth:grant-type:device_code"
    turn_on(OPEN_CLIENT_GRANT_TYPES=[device, "authorization_code"])
    hosts.publish(grant_types=[device, "authorization_code"])
    browser.get("/oauth/authorize", requested())
    form = {"client_id": ADDRESS, "scope": "notes:write"}
    assert post(browser, "/oauth/device", form).json()["error"] == "invalid_scope"
    codes = post(browser, "/oauth/device", form | {"scope": "openid notes:read"}).json()
    page = post(browser, "/oauth/device/verify", {"user_code": codes["user_code"]}).content.decode()
    assert "<strong>app.example</strong>" in page
    assert "The answer goes to" not in page


def test_a_document_cannot_widen_the_policy_of_its_client(browser, hosts, signer):
    hosts.publish(
        scope="notes:write other:read",
        grant_types=["authorization_code", "client_credentials", "urn:ietf:params:oauth:grant-type:token-exchange"],
        skip_authorization=True,
        is_active=False,
        access_token_lifetime=86400,
    )
    browser.get("/oauth/authorize", requested())
    made = Client.objects.get(client_id=ADDRESS)
    assert [scope.name for scope in made.scopes.all()] == ["notes:read"]
    assert (made.grants, made.skip_authorization, made.is_active) == (["authorization_code"], False, True)
    assert made.access_token_lifetime is None


def test_a_removed_redirect_uri_is_refused_once_the_document_is_due(browser, hosts, at, signer):
    hosts.publish(redirect_uris=[CALLBACK, "https://app.example/second"])
    assert browser.get("/oauth/authorize", requested(redirect_uri="https://app.example/second")).status_code == 200
    hosts.publish()
    assert browser.get("/oauth/authorize", requested(redirect_uri="https://app.example/second")).status_code == 200
    later(at)
    assert browser.get("/oauth/authorize", requested(redirect_uri="https://app.example/second")).status_code == 400
    changed = AuditEvent.objects.get(action="client.changed").details
    assert changed == {"redirect_uris": [f"{CALLBACK} https://app.example/second", CALLBACK]}


@pytest.mark.parametrize(("origin", "permitted"), [("https://app.example", True), ("https://evil.example", False)])
def test_pages_of_a_public_client_may_call_the_token_endpoint(browser, signer, origin, permitted):
    browser.get("/oauth/authorize", requested())
    answer = post(browser, "/oauth/token", {"client_id": ADDRESS, "grant_type": "x"}, HTTP_ORIGIN=origin)
    assert answer.get("Access-Control-Allow-Origin") == (origin if permitted else None)


def test_a_deleted_document_stops_its_client_once_it_is_due(browser, hosts, at, signer):
    tokens_of(browser)
    hosts.documents.clear()
    later(at)
    assert REFUSED in error_of(browser.get("/oauth/authorize", requested()))
    assert OpenClient.objects.get().failure == "host: it answered 404"


@pytest.mark.parametrize(
    ("how_long", "works"),
    [(AFTER, True), (freshness.UNSTATED + freshness.GRACE + timedelta(minutes=1), False)],
    ids=["within the grace", "after it"],
)
def test_a_document_that_cannot_be_reached_is_used_for_the_grace(browser, hosts, at, signer, how_long, works):
    tokens_of(browser)
    hosts.fail()
    later(at, how_long)
    page = browser.get("/oauth/authorize", requested())
    assert (page.status_code, page.get("Retry-After")) == ((302, None) if works else (503, "2"))


def test_a_server_error_is_temporary_and_a_redirect_is_not(browser, hosts, at, signer):
    tokens_of(browser)
    later(at)
    hosts.failure = StatusError("host", 503)
    assert "code" in parameters(browser.get("/oauth/authorize", requested()))
    document_fetch.flights.forget()
    hosts.failure = StatusError("host", 302)
    assert REFUSED in error_of(browser.get("/oauth/authorize", requested()))


@pytest.mark.parametrize(
    ("status", "is_temporary"),
    [(400, False), (404, False), (408, True), (425, True), (429, True), (500, True), (503, True)],
)
def test_a_known_client_keeps_its_grace_only_if_the_status_of_its_document_is_temporary(
    browser, hosts, at, signer, status, is_temporary
):
    tokens_of(browser)
    later(at)
    hosts.failure = StatusError("host", status)
    answer = browser.get("/oauth/authorize", requested())
    assert "code" in parameters(answer) if is_temporary else REFUSED in error_of(answer)
    document_fetch.flights.forget()
    hosts.fail()
    assert browser.get("/oauth/authorize", requested()).status_code == (302 if is_temporary else 503)


@pytest.mark.parametrize("why", ["gone", "invalid", "without its key"])
def test_a_client_whose_document_was_refused_has_no_grace_when_its_host_falls_silent(browser, hosts, at, signer, why):
    if why == "without its key":
        hosts.publish(token_endpoint_auth_method="private_key_jwt", jwks=jwks("ES256"))
    assert browser.get("/oauth/authorize", requested()).status_code == 200
    hosts.publish(**{"invalid": {"client_secret": "x"}}.get(why, {}))
    if why == "gone":
        hosts.documents.clear()
    later(at)
    assert REFUSED in error_of(browser.get("/oauth/authorize", requested()))
    document_fetch.flights.forget()
    hosts.fail()
    assert browser.get("/oauth/authorize", requested()).status_code == 503
    hosts.failure = None
    document_fetch.flights.forget()
    hosts.publish(**({"token_endpoint_auth_method": "private_key_jwt", "jwks": jwks("ES256")} if "key" in why else {}))
    assert browser.get("/oauth/authorize", requested()).status_code == 200


def test_a_failure_is_cached_for_a_short_time(browser, hosts, signer):
    hosts.fail()
    assert [browser.get("/oauth/authorize", requested()).status_code for _ in range(3)] == [503] * 3
    assert hosts.fetched == [ADDRESS]
    assert not Client.objects.filter(client_id=ADDRESS).exists()


def test_fetches_from_one_address_are_limited(browser, hosts, turn_on, signer):
    turn_on(RATE_LIMITS={"documents": (2, 60)})
    addresses = [f"https://app.example/{number}.json" for number in range(3)]
    pages = [browser.get("/oauth/authorize", requested(client_id=address)).status_code for address in addresses]
    assert (pages[2], len(hosts.fetched)) == (429, 2)


def test_requests_that_try_to_store_a_refused_document_are_limited_too(browser, hosts, at, turn_on, signer):
    """After the first of these requests, no request fetches the document, but each request locks the registry.

    So the rate limit must count each request, and not only the fetches.
    """
    hosts.publish(token_endpoint_auth_method="private_key_jwt", jwks=jwks("ES256"))
    browser.get("/oauth/authorize", requested())
    hosts.publish()
    later(at)
    turn_on(RATE_LIMITS={"documents": (3, 60)})
    pages = [browser.get("/oauth/authorize", requested()).status_code for _ in range(4)]
    assert pages == [400, 400, 400, 429]


def test_requests_for_a_document_that_is_known_to_fail_are_not_counted(browser, hosts, turn_on, signer):
    turn_on(RATE_LIMITS={"documents": (1, 60)})
    hosts.documents.clear()
    assert [browser.get("/oauth/authorize", requested()).status_code for _ in range(4)] == [400] * 4


@pytest.mark.parametrize(("changes", "is_asked"), [({}, False), ({"client_name": "Your bank"}, True)])
def test_a_user_is_asked_again_after_the_document_changed(browser, hosts, at, signer, changes, is_asked):
    tokens_of(browser)
    hosts.publish(**changes)
    later(at)
    assert (browser.get("/oauth/authorize", requested()).status_code == 200) is is_asked


def test_a_blocked_client_loses_its_tokens_and_its_document_is_not_fetched(browser, hosts, at, signer):
    tokens_of(browser)
    made = Client.objects.get(client_id=ADDRESS)
    access.set_active(made, active=False, reason="hostile", actor="user:root", now=timezone.now())
    assert Revocation.objects.filter(kind="client").exists()
    later(at)
    assert browser.get("/oauth/authorize", requested()).status_code == 400
    answer = post(browser, "/oauth/token", {"grant_type": "authorization_code", "client_id": ADDRESS, "code": "x"})
    assert (answer.status_code, answer.json()["error"]) == (401, "invalid_client")
    assert hosts.fetched == [ADDRESS]
    made.refresh_from_db()
    assert made.is_active is False


@pytest.mark.parametrize("path", ["/oauth/token", "/oauth/revoke", "/oauth/introspect", "/oauth/device"])
def test_only_an_authorization_request_introduces_a_client(browser, hosts, path, signer):
    form = {"grant_type": "authorization_code", "client_id": ADDRESS, "code": "x", "token": "x"}
    answer = post(browser, path, form)
    assert (answer.status_code, answer.json()["error"], hosts.fetched) == (401, "invalid_client", [])


def test_a_client_id_that_is_an_api_is_refused_and_nothing_is_stored(browser, hosts, signer):
    make_api(ADDRESS)
    assert "identifier of an API" in error_of(browser.get("/oauth/authorize", requested()))
    assert not Client.objects.filter(client_id=ADDRESS).exists()


def test_an_api_cannot_take_the_client_id_of_a_document(browser, signer):
    browser.get("/oauth/authorize", requested())
    with pytest.raises(ValidationError, match="client ID of a client with a metadata document"):
        Api(identifier=ADDRESS, name="x").full_clean()


class Keyed:
    """A client that authenticates by its private keys. Its metadata document has the public keys."""

    def __init__(self, hosts):
        self.hosts, self.keys = hosts, {}

    def publish(self, *kids, **changes):
        for kid in kids:
            self.keys.setdefault(kid, ec.generate_private_key(ec.SECP256R1()))
        shown = [
            json.loads(jwt.algorithms.ECAlgorithm.to_jwk(self.keys[kid].public_key())) | {"kid": kid} for kid in kids
        ]
        self.hosts.publish(
            **{"token_endpoint_auth_method": "private_key_jwt", "jwks": {"keys": shown}} | changes,
            grant_types=["authorization_code", "refresh_token"],
        )

    def proof(self, kid):
        now = int(time.time())
        claims = {"iss": ADDRESS, "sub": ADDRESS, "aud": "http://localhost:8000", "jti": uuid.uuid4().hex}
        claims |= {"iat": now, "exp": now + 60}
        return {
            "client_id": ADDRESS,
            "client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
            "client_assertion": jwt.encode(claims, self.keys[kid], algorithm="ES256", headers={"kid": kid}),
        }

    def refresh(self, browser, token, kid):
        form = {"grant_type": "refresh_token", "refresh_token": token, **self.proof(kid)}
        return post(browser, "/oauth/token", form)


@pytest.fixture
def keyed(browser, hosts, signer):
    keyed = Keyed(hosts)
    keyed.publish("one", "two")
    return keyed


def refresh_token(browser, keyed):
    code = parameters(allow(browser, requested(scope="openid offline_access notes:read")))["code"]
    answer = redeem(browser, Named(), code, redirect_uri=CALLBACK, **keyed.proof("one"))
    assert answer.status_code == 200, answer.content
    return answer.json()["refresh_token"]


def test_pages_of_a_client_with_a_key_may_not_call_the_token_endpoint(browser, keyed):
    browser.get("/oauth/authorize", requested())
    assert Client.objects.get(client_id=ADDRESS).allowed_origins == ""


def test_a_client_authenticates_by_the_key_in_its_document_and_not_without(browser, keyed):
    token = refresh_token(browser, keyed)
    assert keyed.refresh(browser, token, "two").status_code == 200
    form = {"grant_type": "refresh_token", "refresh_token": token, "client_id": ADDRESS}
    assert post(browser, "/oauth/token", form).status_code == 401


def test_a_key_that_is_removed_from_the_document_is_refused_once_it_is_due(browser, keyed, at):
    token = refresh_token(browser, keyed)
    keyed.publish("two")
    assert keyed.refresh(browser, token, "one").status_code == 200
    later(at, timedelta(seconds=301))
    # The clock of the assertion is the test's own, which is 5 minutes behind the frozen one.
    assert keyed.refresh(browser, token, "one").json()["error"] == "invalid_client"
    assert [entry["kid"] for entry in Client.objects.get(client_id=ADDRESS).client_jwks["keys"]] == ["two"]


def test_a_document_cannot_drop_the_authentication_of_its_client(browser, keyed, hosts, at):
    refresh_token(browser, keyed)
    hosts.publish()
    later(at)
    assert "private_key_jwt by none" in error_of(browser.get("/oauth/authorize", requested()))
    assert not Client.objects.get(client_id=ADDRESS).is_public


def test_a_normal_client_s_request_costs_no_further_statement(client, service, signer, hosts):
    form = {"grant_type": "client_credentials", "scope": "notes:read", "client_id": "service"}
    form |= {"client_secret": service.plain}
    post(client, "/oauth/token", form)
    with CaptureQueriesContext(connection) as captured:
        assert post(client, "/oauth/token", form).status_code == 200
    assert len(captured) == 1


def test_a_document_introduces_its_client_when_a_request_is_pushed(browser, hosts):
    pushed = post(browser, "/oauth/par", requested())
    assert pushed.status_code == 201, pushed.content
    moved = browser.get("/oauth/authorize", {"client_id": ADDRESS, "request_uri": pushed.json()["request_uri"]})
    assert browser.get(moved["Location"]).status_code == 200
    assert hosts.fetched == [ADDRESS]


def test_a_document_can_hold_its_client_to_pushed_requests(browser, hosts):
    hosts.publish(require_pushed_authorization_requests=True)
    page = browser.get("/oauth/authorize", requested())
    assert "Push the authorization request" in error_of(page)
    assert post(browser, "/oauth/par", requested()).status_code == 201


def test_a_pushed_request_of_a_refused_document_is_invalid_client(browser, hosts):
    hosts.documents.clear()
    refused = post(browser, "/oauth/par", requested())
    assert (refused.status_code, refused.json()["error"]) == (401, "invalid_client")
    assert not Client.objects.exists()


def test_pushed_requests_cannot_make_the_issuer_fetch_without_bound(browser, hosts, settings):
    settings.ISSUER = settings.ISSUER | {"RATE_LIMITS": {"documents": (2, 86_400)}}
    hosts.documents.clear()
    addresses = [f"https://app.example/{number}.json" for number in range(4)]
    answers = [post(browser, "/oauth/par", requested(client_id=address)).status_code for address in addresses]
    assert answers == [401, 401, 429, 429]
    assert len(hosts.fetched) == 2
