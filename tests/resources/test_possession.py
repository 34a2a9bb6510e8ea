"""Tokens that are bound to a DPoP key, over HTTP.

The tests cover proofs, challenges, replays, nonces, and every kind of view that accepts tokens.
"""

import logging
import os
import threading
from collections.abc import Iterator
from http import HTTPStatus
from typing import Any

import pytest
from django.core.cache import caches
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.test import Client, override_settings
from django.urls import path
from rest_framework.permissions import IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from resources import possession
from resources.decorators import token_required
from resources.forward_auth import forward_auth
from resources.permissions import HasScopes, MaxAuthAge, RequireDPoP
from resources.plain_views import refusal
from resources.testing import Holder, at, bearer, mint, pinned
from tests.clock import At, freezer
from tests.dpop_cases import ALGORITHMS, NOW, ProofCase, access_token_hash, cases

API = "http://localhost:8001"
METADATA = f'resource_metadata="{API}/.well-known/oauth-protected-resource"'
ALGS = 'algs="ES256 EdDSA Ed25519"'
HOLDER = Holder()
SHARED = {"proofs": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache", "LOCATION": "proofs"}}


class View(APIView):
    permission_classes = (IsAuthenticated,)

    def get(self, request: Request) -> Response:
        return Response(getattr(request.auth, "is_bound", None))

    post = get


def plain(request: HttpRequest) -> HttpResponse:
    return HttpResponse(getattr(request, "auth", None) is not None)


def verifies_again(request: HttpRequest) -> HttpResponseBase:
    """Verify the token as django-ninja's TokenAuth does, even if the middleware RequireToken has verified it before."""
    return refusal(request) or plain(request)


urlpatterns = [
    path("path", View.as_view()),
    path("scopes", View.as_view(permission_classes=[HasScopes("a")])),
    path("login", View.as_view(permission_classes=[MaxAuthAge(60)])),
    path("bound", View.as_view(permission_classes=[RequireDPoP() & HasScopes("a")])),
    path("plain", plain),
    path("decorated", token_required()(plain)),
    path("again", verifies_again),
    path("asked", forward_auth()),
    path("asked/originals", forward_auth(forwarded_target=True)),
]
REQUIRE_TOKEN = override_settings(
    MIDDLEWARE=["resources.middleware.no_store", "resources.plain_views.RequireToken"],
)
EDGES = ["/path", "/decorated", "/plain", "/again"]


@pytest.fixture(autouse=True)
def urls() -> Iterator[None]:
    with override_settings(ROOT_URLCONF=__name__), pinned():
        yield


def bound(scope: str = "a", **changes: Any) -> str:
    return mint(scope, cnf=HOLDER.cnf, **changes)


def refused(error: str, description: str) -> str:
    own = f'DPoP realm="api", error="{error}", error_description="{description}", {ALGS}, {METADATA}'
    return f'{own}, Bearer realm="api"'


@pytest.fixture
def freeze() -> Iterator[At]:
    """Yield the function that freezes the clock, whose usual name `at` is another function here."""
    with freezer() as frozen:
        yield frozen


def get(client: Client, where: str, **changes: Any) -> Any:
    return client.get(where, headers=HOLDER.headers("GET", where, bound(), **changes))


@pytest.mark.parametrize("case", cases("api"), ids=lambda case: case.name)
def test_over_http_every_proof_of_the_table_is_answered_as_it_says(client: Client, freeze: At, case: ProofCase) -> None:
    rows = (*case.before(), case)
    tokens = {jkt: mint(cnf={"jkt": jkt}, now=at(NOW)) for jkt in {row.jkt for row in rows}}

    def present(row: ProofCase, seconds: int) -> tuple[int, str]:
        freeze(at(seconds))
        value = row.value(ath=access_token_hash(tokens[row.jkt]))
        headers = {"Authorization": f"DPoP {tokens[row.jkt]}"} | ({} if value is None else {"DPoP": value})
        answered = client.generic(row.method, row.uri.removeprefix("https://server.example"), headers=headers)
        return answered.status_code, answered["WWW-Authenticate"].split('"')[3] if answered.status_code != 200 else ""

    error = {"": "", "binding": "invalid_token"}.get(case.refused, "invalid_dpop_proof")
    with pinned(PUBLIC_URL="https://server.example", DPOP_ALGORITHMS=sorted(ALGORITHMS)):
        assert [present(earlier, NOW) for earlier in case.before()] == [(200, "")] * len(case.earlier)
        assert present(case, NOW + case.later) == (401 if case.refused else 200, error)


@pytest.mark.parametrize(
    ("before", "after", "defect"),
    [("x", "", "MALFORMED"), ("", ".x", "MALFORMED"), ("A" * 3000, "", "TOO_LONG"), ("A" * 9000, "", "TOO_LONG")],
)
def test_the_defect_of_a_proof_that_is_no_jws_is_logged_and_the_proof_is_not(
    client: Client, caplog: pytest.LogCaptureFixture, before: str, after: str, defect: str
) -> None:
    token = bound()
    headers = HOLDER.headers("GET", "/path", token)
    headers["DPoP"] = f"{before}{headers['DPoP']}{after}"
    with caplog.at_level(logging.DEBUG):
        answered = client.get("/path", headers=headers)
    assert answered["WWW-Authenticate"] == refused(
        "invalid_dpop_proof", "Send exactly one DPoP proof, as a compact JWS"
    )
    assert f"DPoP proof refused: HEADER {defect}" in caplog.messages
    assert not any(part in caplog.text for part in (*headers["DPoP"].split("."), *token.split(".")) if part != "x")


@pytest.mark.parametrize("host", ["testserver", "127.0.0.1"])
def test_a_bound_token_with_its_proof_is_accepted_for_any_host_header(client: Client, host: str) -> None:
    answered = client.get("/path?page=2", headers={**HOLDER.headers("GET", "/path", bound()), "Host": host})
    assert (answered.status_code, answered.json()) == (200, True)


def test_a_proof_for_the_url_that_the_host_header_names_is_refused(client: Client) -> None:
    answered = client.get("/path", headers=HOLDER.headers("GET", "http://testserver/path", bound()))
    description = "The proof's htu is not the URI of this request"
    assert answered.status_code == 401
    assert answered["WWW-Authenticate"] == refused("invalid_dpop_proof", description)
    assert answered.json() == {"error": "invalid_dpop_proof", "detail": description}


def test_a_public_url_with_a_path_stands_before_the_path_of_the_request(client: Client) -> None:
    with pinned(PUBLIC_URL="https://api.example/v1/"):
        assert get(client, "/path").status_code == 200
        token = bound()
        short = HOLDER.headers("GET", "https://api.example/path", token)
        assert client.get("/path", headers=short).status_code == 401


@pytest.mark.parametrize("where", EDGES)
def test_every_edge_accepts_a_bound_token_with_its_proof_once(client: Client, where: str) -> None:
    with REQUIRE_TOKEN, pinned(PATHS=["/"]):
        headers = HOLDER.headers("GET", where, bound())
        assert client.get(where, headers=headers).status_code == 200
        again = client.get(where, headers=headers)
    assert (again.status_code, "The proof was used before" in again["WWW-Authenticate"]) == (401, True)


@pytest.mark.parametrize("where", [*EDGES, "/asked", "/asked/originals"])
@pytest.mark.parametrize("proof", [False, True])
def test_no_edge_accepts_a_bound_token_as_a_bearer_token(client: Client, where: str, proof: bool) -> None:
    with REQUIRE_TOKEN, pinned(PATHS=["/"]):
        token = bound()
        with_proof = {"DPoP": HOLDER.proof("GET", where, token)} if proof else {}
        answered = client.get(where, headers=bearer(token) | with_proof)
        description = "The token is bound to a key, and needs a proof that this request does not have"
        assert answered["WWW-Authenticate"] == (
            f'Bearer realm="api", error="invalid_token", error_description="{description}", {METADATA}, DPoP {ALGS}'
        )
        assert (answered.status_code, client.get(where, headers=bearer(mint())).status_code < 300) == (401, True)


@pytest.mark.parametrize("where", [*EDGES, "/asked", "/asked/originals"])
def test_no_edge_accepts_an_unbound_token_with_a_proof(client: Client, where: str) -> None:
    with REQUIRE_TOKEN, pinned(PATHS=["/"]):
        answered = client.get(where, headers=HOLDER.headers("GET", where, mint()))
    assert answered.status_code == 401
    assert answered["WWW-Authenticate"] == refused("invalid_token", "The token is not bound to a key")


def test_a_token_that_is_bound_to_another_key_is_refused(client: Client) -> None:
    answered = client.get("/path", headers=Holder().headers("GET", "/path", bound()))
    description = "The token is bound to another key than the proof's"
    assert (answered.status_code, answered["WWW-Authenticate"]) == (401, refused("invalid_token", description))


@pytest.mark.parametrize(
    "cnf", [None, {}, [], "x", {"jkt": 1}, {"jkt": "x"}, {"x5t#S256": "x"}, HOLDER.cnf | {"kid": "x"}]
)
def test_a_token_that_is_bound_in_another_way_is_refused(client: Client, cnf: Any) -> None:
    token = mint(cnf=cnf)
    answered = client.get("/path", headers=HOLDER.headers("GET", "/path", token))
    assert (answered.status_code, 'DPoP realm="api", error="invalid_token"' in answered["WWW-Authenticate"]) == (
        401,
        True,
    )


def test_a_bad_token_is_refused_before_its_proof_is_read(client: Client) -> None:
    answered = client.get("/path", headers={"Authorization": "DPoP a.b.c"})
    assert answered["WWW-Authenticate"] == refused("invalid_token", "The token is malformed")


@pytest.mark.parametrize("value", ["DPoP", "DPoP ", "DPoP a b", "DPoP x, Bearer y", "DPoP x,DPoP x", "DPoP é"])
def test_a_malformed_authorization_header_is_a_bad_request(client: Client, value: str) -> None:
    answered = client.get("/path", HTTP_AUTHORIZATION=value)
    assert (answered.status_code, 'DPoP realm="api", error="invalid_request"' in answered["WWW-Authenticate"]) == (
        400,
        True,
    )


def test_a_bound_token_in_header_and_query_is_a_bad_request(client: Client) -> None:
    headers = HOLDER.headers("GET", "/path", bound())
    assert client.get("/path?access_token=x", headers=headers).status_code == 400


def test_a_missing_scope_is_403_with_a_challenge_of_the_scheme_that_was_used(client: Client) -> None:
    answered = client.get("/scopes", headers=HOLDER.headers("GET", "/scopes", bound("b")))
    description = 'error="insufficient_scope", error_description="The token\'s scope is not enough", scope="a"'
    assert answered.status_code == 403
    assert answered["WWW-Authenticate"] == f'DPoP realm="api", {description}, {ALGS}, {METADATA}'
    answered = client.get("/scopes", headers=bearer(mint("b")))
    assert answered["WWW-Authenticate"] == f'Bearer realm="api", {description}, {METADATA}'


def test_a_later_login_is_asked_for_by_the_scheme_that_was_used(client: Client) -> None:
    answered = get(client, "/login")
    assert answered["WWW-Authenticate"].startswith('DPoP realm="api", error="insufficient_user_authentication"')


def test_a_view_can_require_a_bound_token(client: Client) -> None:
    assert get(client, "/bound").status_code == 200
    unbound = client.get("/bound", headers=bearer(mint("a")))
    without = client.get("/bound")
    assert unbound.status_code == without.status_code == 401
    named = f'error="invalid_token", error_description="The token is not bound to a key", scope="a", {ALGS}, {METADATA}'
    assert unbound["WWW-Authenticate"] == f'DPoP realm="api", {named}, Bearer realm="api"'
    assert without["WWW-Authenticate"] == f'DPoP realm="api", scope="a", {ALGS}, {METADATA}'


def test_an_api_can_require_bound_tokens_everywhere(client: Client) -> None:
    with pinned(DPOP_REQUIRED=True):
        assert get(client, "/path").status_code == 200
        unbound, without = client.get("/path", headers=bearer(mint())), client.get("/path")
    named = 'error="invalid_token", error_description="The token is not bound to a key"'
    assert (unbound.status_code, unbound["WWW-Authenticate"]) == (401, f'DPoP realm="api", {named}, {ALGS}, {METADATA}')
    assert (without.status_code, without["WWW-Authenticate"]) == (401, f'DPoP realm="api", {ALGS}, {METADATA}')


@pytest.mark.parametrize("off", [{"DPOP_ALGORITHMS": []}, {"AUDIENCE": ["urn:api"]}])
def test_an_api_without_algorithms_or_a_public_url_accepts_no_bound_token(client: Client, off: dict[str, Any]) -> None:
    headers = HOLDER.headers("GET", f"{API}/path", bound())
    with pinned(**off):
        answered = client.get("/path", headers=headers)
    assert (answered.status_code, "DPoP" in answered["WWW-Authenticate"]) == (401, False)


def test_required_nonces_are_given_with_the_refusal_and_replaced_in_time(client: Client, freeze: At) -> None:
    def present(seconds: float, **changes: Any) -> Any:
        freeze(at(NOW + seconds))
        token = bound(now=at(NOW))
        return client.get("/path", headers=HOLDER.headers("GET", "/path", token, **changes))

    with pinned(DPOP_NONCES=True):
        first = present(0)
        assert first["WWW-Authenticate"] == refused("use_dpop_nonce", "Send a proof with the nonce of this answer")
        assert (first.status_code, first["Cache-Control"]) == (401, "no-store")
        nonce = first["DPoP-Nonce"]
        accepted = present(0, nonce=nonce)
        assert (accepted.status_code, "DPoP-Nonce" in accepted) == (200, False)
        assert present(0, nonce=nonce, iat=1).status_code == 200, "the client's clock does not count"
        later = present(60, nonce=nonce)
        assert (later.status_code, later["DPoP-Nonce"] != nonce) == (200, True)
        assert present(60, nonce=later["DPoP-Nonce"]).status_code == 200
        for wrong in (nonce, "x", 1, [nonce], ""):
            answered = present(120, nonce=wrong)
            assert (answered.status_code, answered.json()["error"]) == (401, "use_dpop_nonce")
        forged = present(0, nonce=nonce, jti=None)
        assert (forged.status_code, forged.json()["error"]) == (401, "invalid_dpop_proof")


def test_forward_auth_checks_a_proof_for_the_request_that_the_proxy_names(client: Client) -> None:
    def status_of(htm: str, url: str, **names: str) -> int:
        token = bound()
        headers = {"Authorization": f"DPoP {token}", "DPoP": HOLDER.proof(htm, url, token)}
        return int(client.get("/asked/originals", headers={**headers, **names}).status_code)

    original = {"X-Forwarded-Method": "POST", "X-Forwarded-Uri": "/orders/1?all=1"}
    assert status_of("POST", "/orders/1", **original) == HTTPStatus.NO_CONTENT
    assert status_of("GET", "/orders/1", **original) == 401
    assert status_of("POST", "/orders/2", **original) == 401
    assert status_of("GET", "/asked/originals", **original) == 401
    assert status_of("GET", "/asked/originals") == 401
    relative = ("", "orders/1", ".x/orders/1", ":80/orders/1")
    for uri in (*relative, "http://localhost:8001/orders/1", "/orders/1, /orders/1"):
        assert status_of("POST", "/orders/1", **{**original, "X-Forwarded-Uri": uri}) == 401
        assert status_of("POST", "/asked/originals", **{**original, "X-Forwarded-Uri": uri}) == 401


def test_forward_auth_accepts_no_bound_token_unless_the_proxy_names_the_request(client: Client) -> None:
    for named in ({}, {"X-Forwarded-Method": "GET", "X-Forwarded-Uri": "/asked"}):
        headers = HOLDER.headers("GET", "/asked", bound())
        assert client.get("/asked", headers=headers | named).status_code == 401


def test_a_shared_cache_refuses_a_proof_that_another_process_accepted(client: Client) -> None:
    headers = HOLDER.headers("GET", "/path", bound())
    with override_settings(CACHES=SHARED), pinned(DPOP_REPLAY_CACHE="proofs"):
        assert client.get("/path", headers=headers).status_code == 200
        possession.replay_memory.cache_clear()  # as another process has none
        assert client.get("/path", headers=headers).status_code == 401
        assert get(client, "/path").status_code == 200


def test_if_the_shared_cache_fails_a_bound_token_is_503_and_a_bearer_token_is_not(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise OSError("redis://:secret@cache")

    with override_settings(CACHES=SHARED), pinned(DPOP_REPLAY_CACHE="proofs"):
        monkeypatch.setattr(caches["proofs"], "add", fail)
        answered = get(client, "/path")
        assert (answered.status_code, answered["Retry-After"]) == (503, "1")
        assert client.get("/path", headers=bearer(mint())).status_code == 200


def test_a_full_memory_answers_503(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(possession.replay_memory(), "_limit", 1)
    assert get(client, "/path").status_code == 200
    answered = get(client, "/path")
    assert (answered.status_code, answered["Retry-After"]) == (503, "5")


def test_of_many_threads_with_the_same_proof_one_is_accepted(client: Client) -> None:
    headers, statuses = HOLDER.headers("GET", "/path", bound()), []
    start = threading.Barrier(8)

    def present() -> None:
        start.wait()
        statuses.append(Client().get("/path", headers=headers).status_code)

    threads = [threading.Thread(target=present) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(statuses) == [200] + [401] * 7


def test_a_forked_process_refuses_what_its_parent_accepted(client: Client) -> None:
    headers = HOLDER.headers("GET", "/path", bound())
    assert client.get("/path", headers=headers).status_code == 200
    with possession.replay_memory()._lock:  # as if a thread held it while the process forks
        child = os.fork()
    if not child:
        os._exit(client.get("/path", headers=headers).status_code - 400)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 1


def test_the_metadata_says_which_proofs_and_tokens_are_accepted(client: Client) -> None:
    with override_settings(ROOT_URLCONF="resources.urls"):
        document = client.get("/.well-known/oauth-protected-resource").json()
        assert document["dpop_signing_alg_values_supported"] == ["ES256", "EdDSA", "Ed25519"]
        assert "dpop_bound_access_tokens_required" not in document
        with pinned(DPOP_REQUIRED=True):
            document = client.get("/.well-known/oauth-protected-resource").json()
        assert document["dpop_bound_access_tokens_required"] is True
        with pinned(DPOP_ALGORITHMS=[]):
            document = client.get("/.well-known/oauth-protected-resource").json()
        assert "dpop_signing_alg_values_supported" not in document
