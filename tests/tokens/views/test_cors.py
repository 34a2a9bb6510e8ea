"""Cross-origin requests.

Pages of registered origins can read the answers of endpoints. Pages of other origins can read only public documents.
"""

import time

import pytest
from django.core.management import call_command
from django.test import Client as Browser
from django.urls import get_resolver

from tests.tokens.factories import basic, make_client, post
from tokens.issued import jws
from tokens.keys import keyring, publication
from tokens.keys.errors import NotReady
from tokens.models import Client
from tokens.parameters import FORM
from tokens.settings.rate import RATE_LIMITS
from tokens.views import cors

pytestmark = pytest.mark.urls("project.urls.issuer")
ORIGIN = "https://app.example"
READ = "Access-Control-Allow-Origin"
PREFLIGHT = {"HTTP_ACCESS_CONTROL_REQUEST_METHOD": "POST"}
OPEN = {"/oauth/token": "POST", "/oauth/revoke": "POST", "/oauth/userinfo": "GET, POST"}
TRACED = "traceparent,tracestate,baggage,sentry-trace"
"""Headers that tracing libraries add to the requests of a page."""


@pytest.fixture
def page(apis):
    return make_client("page", "authorization_code", public=True, allowed_origins=f"https://other.example {ORIGIN}")


@pytest.mark.parametrize("path", OPEN)
def test_a_registered_origin_may_send_requests_and_read_answers(client, page, path):
    preflight = client.options(path, HTTP_ORIGIN=ORIGIN, **PREFLIGHT)
    assert (preflight.status_code, preflight[READ], preflight["Access-Control-Allow-Methods"]) == (
        204,
        ORIGIN,
        OPEN[path],
    )
    assert "Authorization" in preflight["Access-Control-Allow-Headers"]
    assert {"X-Requested-With", *TRACED.split(",")} <= set(preflight["Access-Control-Allow-Headers"].split(", "))
    assert "Content-Type" not in preflight
    assert "Access-Control-Allow-Credentials" not in preflight
    answer = post(client, path, {"client_id": "page", "grant_type": "x", "token": "x"}, HTTP_ORIGIN=ORIGIN)
    assert answer[READ] == ORIGIN
    assert "Origin" in answer["Vary"]
    assert "WWW-Authenticate" in answer["Access-Control-Expose-Headers"]


@pytest.mark.parametrize("path", OPEN)
@pytest.mark.parametrize(
    "origin",
    [
        "https://evil.example",
        "https://app.example.evil.example",
        "https://app.exampl",
        "http://app.example",
        "https://app.example:8443",
        "https://APP.example",
        f"https://other.example {ORIGIN}",
        "null",
        "*",
        "https://",
        "%",
    ],
)
def test_any_other_origin_reads_nothing(client, page, path, origin):
    assert READ not in client.options(path, HTTP_ORIGIN=origin, **PREFLIGHT)
    answer = post(client, path, {"client_id": "page", "token": "x"}, HTTP_ORIGIN=origin)
    assert READ not in answer
    assert "Origin" in answer["Vary"]


@pytest.mark.parametrize(
    "origin", ["https:", "https", "e", "%", "null", "https://app.example/", "https://app.example\0"]
)
def test_what_is_no_origin_is_not_searched_for(page, origin, django_assert_num_queries):
    with django_assert_num_queries(0):
        assert not cors.is_registered(origin)


@pytest.mark.parametrize("origin", ["https://a", "https://app.exampl", "https://app-example", "https://app.example"])
def test_a_search_for_an_origin_reads_no_text_of_a_client(page, origin, django_assert_num_queries):
    """The search for a registered origin does not read the column `allowed_origins` of clients.

    Else an attacker could make it slow by registering thousands of clients, each with twenty long origins.
    """
    with django_assert_num_queries(1) as captured:
        assert cors.is_registered(origin) is (origin == ORIGIN)
    assert "allowed_origins" not in captured[0]["sql"].partition("FROM")[0]


@pytest.mark.parametrize(
    "text", [ORIGIN, f"{ORIGIN}\nhttps://b.example", f"https://b.example\r\n{ORIGIN}", f" {ORIGIN} "]
)
def test_an_origin_is_found_in_each_field_in_which_its_client_registered_it(page, text):
    Client.objects.update(allowed_origins=text)
    assert cors.is_registered(ORIGIN)


def test_the_origin_of_a_disabled_client_reads_nothing(client, page):
    Client.objects.update(is_active=False)
    assert READ not in client.options("/oauth/token", HTTP_ORIGIN=ORIGIN, **PREFLIGHT)


def bearer(browser, signer, **changes):
    claims = {
        "iss": "http://localhost:8000",
        "sub": "page",
        "aud": "http://localhost:8000",
        "exp": int(time.time()) + 60,
        "iat": int(time.time()),
        "jti": "t",
        "client_id": "page",
    }
    return {"HTTP_AUTHORIZATION": f"Bearer {jws.sign(claims | changes, typ='at+jwt', signer=signer)}"}


def nothing_signs(monkeypatch):
    def fail(*_, **__):
        raise NotReady("no key")

    monkeypatch.setattr(keyring, "signer", fail)
    for name in ("published", "trusted_rings", "jwks"):
        monkeypatch.setattr(publication, name, fail)


LONG = b"a=b&" * 1001
# What is sent, and how it is refused; `signer` and `monkeypatch` set the scene where that takes something.
TOKEN = {
    "400": (lambda *_: {"data": b"client_id=page&grant_type=x"}, 400),
    "400 no UTF-8": (lambda *_: {"data": b"a=%ff"}, 400),
    "400 address": (lambda *_: {"data": b"client_id=page", "QUERY_STRING": "a=b"}, 400),
    "400 long address": (lambda *_: {"data": b"client_id=page", "QUERY_STRING": LONG.decode()}, 400),
    "401": (lambda *_: {"data": b"client_id=nobody&grant_type=client_credentials&token=x"}, 401),
    "405": (lambda *_: {"method": "PUT"}, 405),
    "405 GET": (lambda *_: {"method": "GET"}, 405),
    "405 no preflight": (lambda *_: {"method": "OPTIONS"}, 405),
    "411": (lambda *_: {"CONTENT_LENGTH": ""}, 411),
    "413": (lambda *_: {"data": b"a=" + b"x" * 70_000}, 413),
    "413 fields": (lambda *_: {"data": LONG}, 413),
    "415": (lambda *_: {"content_type": "application/json"}, 415),
    "415 charset": (lambda *_: {"content_type": f"{FORM}; charset=utf-16"}, 415),
    "415 upload": (lambda *_: {"content_type": "multipart/form-data; boundary=x"}, 415),
}
USERINFO = {
    "400": (lambda *_: {"data": b"access_token=x"}, 400),
    "400 no UTF-8": (lambda *_: {"data": b"a=%ff"}, 400),
    "400 address": (lambda *_: {"method": "GET", "QUERY_STRING": "access_token=x"}, 400),
    "400 long address": (lambda *_: {"method": "GET", "QUERY_STRING": LONG.decode()}, 400),
    "401": (lambda *_: {"method": "GET"}, 401),
    "401 token": (lambda *_: {"method": "GET", "HTTP_AUTHORIZATION": "Bearer x"}, 401),
    "403": (lambda browser, signer, _: {"method": "GET", **bearer(browser, signer)}, 403),
    "405": (lambda *_: {"method": "PUT"}, 405),
    "405 no preflight": (lambda *_: {"method": "OPTIONS"}, 405),
    "411": (lambda *_: {"CONTENT_LENGTH": "", "HTTP_TRANSFER_ENCODING": "chunked"}, 411),
    "413": (lambda *_: {"data": b"a=" + b"x" * 70_000}, 413),
    "413 fields": (lambda *_: {"data": LONG}, 413),
    "415": (lambda *_: {"content_type": "application/json"}, 415),
    "415 charset": (lambda *_: {"content_type": f"{FORM}; charset=utf-16"}, 415),
    "415 upload": (lambda *_: {"content_type": "multipart/form-data; boundary=x"}, 415),
    "503": (
        lambda browser, signer, patch: {"method": "GET", **bearer(browser, signer)} | (nothing_signs(patch) or {}),
        503,
    ),
}
REFUSED = [
    *(("/oauth/token", what, *row) for what, row in TOKEN.items()),
    *(("/oauth/revoke", what, *row) for what, row in TOKEN.items()),
    *(("/oauth/userinfo", what, *row) for what, row in USERINFO.items()),
]


@pytest.mark.parametrize(("path", "what", "make", "status"), REFUSED, ids=lambda value: value if value in OPEN else "")
@pytest.mark.parametrize("origin", [ORIGIN, "https://evil.example"])
def test_every_refusal_is_json_that_a_registered_origin_reads_and_no_other(
    client, page, signer, monkeypatch, path, what, make, status, origin
):
    sent = {"method": "POST", "data": b"a=b", "content_type": FORM} | make(client, signer, monkeypatch)
    answer = client.generic(path=path, **sent, HTTP_ORIGIN=origin)
    assert answer.status_code == status, what
    assert answer.headers.get(READ) == (ORIGIN if origin == ORIGIN else None)
    assert "Origin" in answer["Vary"]
    assert answer["Content-Type"] == "application/json" or not answer.content
    assert answer["Cache-Control"] == "no-store"
    if path == "/oauth/userinfo" and status not in {405, 503}:
        assert answer["WWW-Authenticate"].startswith('Bearer realm="userinfo"'), "RFC 6750 section 3"


@pytest.mark.parametrize("path", ["/oauth/token", "/oauth/revoke"])
@pytest.mark.parametrize("origin", [ORIGIN, "https://evil.example"])
def test_only_a_registered_origin_reads_that_its_rate_limit_is_exceeded(client, page, settings, path, origin):
    settings.ISSUER = settings.ISSUER | {"RATE_LIMITS": dict.fromkeys(RATE_LIMITS, (0, 86_400))}
    answer = post(client, path, {"client_id": "page"}, HTTP_ORIGIN=origin)
    assert (answer.status_code, answer.headers.get(READ)) == (429, ORIGIN if origin == ORIGIN else None)


@pytest.mark.parametrize("path", ["/oauth/token", "/oauth/revoke"])
@pytest.mark.parametrize("origin", [ORIGIN, "https://evil.example"])
def test_only_a_registered_origin_reads_that_no_key_may_sign(client, service, page, signer, monkeypatch, path, origin):
    form = {"grant_type": "client_credentials", "scope": "notes:read"}
    token = post(client, "/oauth/token", form, **basic("service", service.plain)).json()["access_token"]
    nothing_signs(monkeypatch)
    form = form if path == "/oauth/token" else {"token": token}
    answer = post(client, path, form, **basic("service", service.plain), HTTP_ORIGIN=origin)
    assert (answer.status_code, answer.headers.get(READ)) == (503, ORIGIN if origin == ORIGIN else None)


# --- what is for everybody -------------------------------------------------------------------------------------------

METADATA = ["/.well-known/openid-configuration", "/.well-known/oauth-authorization-server"]
PUBLIC = [*METADATA, "/.well-known/jwks.json", "/oauth/revocations"]
NOWHERE = ["/.well-known/jwks/nowhere.json", "/oauth/revocations/nowhere"]


@pytest.fixture
def published(db):
    call_command("rotate_keys", verbosity=0)
    keyring.snapshots.forget()


@pytest.mark.parametrize("path", PUBLIC)
@pytest.mark.parametrize("headers", [{}, {"origin": "https://anybody.example"}], ids=["", "with an origin"])
def test_every_origin_reads_a_public_document(client, published, path, headers):
    for method in ("get", "head"):
        answer = getattr(client, method)(path, headers=headers)
        assert (answer.status_code, answer[READ]) == (200, "*")
        assert "ETag" in answer["Access-Control-Expose-Headers"]
        assert "Access-Control-Allow-Credentials" not in answer
    if "ETag" in answer:
        current = client.get(path, headers={"if-none-match": answer["ETag"]} | headers)
        assert (current.status_code, current[READ]) == (304, "*")


@pytest.mark.parametrize("path", [*PUBLIC, *NOWHERE])
@pytest.mark.parametrize(
    "requested", ["if-none-match", "accept", "cache-control,if-none-match", "x-requested-with", TRACED, None]
)
def test_a_preflight_permits_requests_for_public_documents(client, path, requested):
    headers = {"origin": "https://anybody.example", "access-control-request-method": "GET"}
    answer = client.options(
        path, headers=headers | ({"access-control-request-headers": requested} if requested else {})
    )
    assert (answer.status_code, answer.content, answer[READ]) == (204, b"", "*")
    assert answer["Access-Control-Allow-Methods"] == "GET, HEAD"
    permitted = answer["Access-Control-Allow-Headers"].lower().split(", ")
    assert set((requested or "accept").split(",")) <= set(permitted)
    assert int(answer["Access-Control-Max-Age"]) > 0


@pytest.mark.parametrize("path", PUBLIC)
@pytest.mark.parametrize("method", ["post", "put", "delete", "options"])
@pytest.mark.parametrize("content_type", [FORM, "application/json", f"{FORM}; charset=utf-16"])
def test_every_origin_reads_that_a_public_document_refuses_a_method(path, method, content_type):
    answer = getattr(Browser(enforce_csrf_checks=True), method)(path, b"{}", content_type=content_type)
    assert (answer.status_code, answer["Allow"], answer[READ]) == (405, "GET, HEAD", "*")


@pytest.mark.parametrize("path", NOWHERE)
def test_every_origin_reads_that_a_ring_does_not_exist(client, published, path):
    answer = client.get(path, headers={"origin": "https://anybody.example", "if-none-match": "*"})
    assert (answer.status_code, answer[READ]) == (404, "*")


@pytest.mark.parametrize("path", ["/.well-known/jwks.json", "/oauth/revocations"])
def test_every_origin_reads_that_nothing_is_published(client, db, path):
    answer = client.get(path, headers={"origin": "https://anybody.example"})
    assert (answer.status_code, answer[READ], answer["Cache-Control"]) == (503, "*", "no-store")
    assert "Retry-After" in answer["Access-Control-Expose-Headers"]


@pytest.mark.parametrize("path", ["/oauth/authorize", "/accounts/login/", "/oauth/introspect", "/admin/login/"])
def test_no_origin_reads_a_page_or_an_endpoint_of_services(client, page, path):
    for answer in (
        client.get(path, HTTP_ORIGIN=ORIGIN),
        client.options(path, HTTP_ORIGIN=ORIGIN, **PREFLIGHT),
        post(client, path, {"client_id": "page"}, HTTP_ORIGIN=ORIGIN),
    ):
        assert READ not in answer


@pytest.mark.django_db
def test_a_request_without_an_origin_costs_no_statement_for_cors(client, django_assert_num_queries):
    assert get_resolver().resolve("/oauth/userinfo")
    with django_assert_num_queries(0):
        assert client.get("/oauth/userinfo").status_code == 401
