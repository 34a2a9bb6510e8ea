"""Concurrent requests with the same DPoP proofs and nonces, on PostgreSQL and four issuer processes.

The issuer accepts each proof once.
"""

import json
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import pytest
import requests

from project.launch import processes
from tests.ports import free
from tests.services.conftest import Issuer, mistakes, ready, serve
from tests.services.test_token_races import CODE, REFRESH, REGISTER
from tests.tokens.factories import CALLBACK, CHALLENGE, VERIFIER
from tests.tokens.proofs import Key, claims_of

pytestmark = pytest.mark.services
AT_ONCE = 12


@dataclass(frozen=True, slots=True)
class Bound:
    """A running issuer that requires DPoP nonces, and a DPoP key of its public client."""

    issuer: Issuer
    url: str
    key: Key

    def shell(self, script: str) -> str:
        return self.issuer.run("shell", "-v", "0", "--no-imports", "-c", script)

    def proof(self, *, nonce: str, key: Key | None = None, **claims: str) -> str:
        return (key or self.key).proof("POST", f"{self.url}/oauth/token", iat=time.time(), nonce=nonce, **claims)

    def nonce(self) -> str:
        """Send a proof with an unknown nonce, and return the nonce in the refusal's header `DPoP-Nonce`."""
        answer = self.post({"grant_type": "refresh_token", "client_id": "app"}, self.proof(nonce="none"))
        assert answer.json()["error"] == "use_dpop_nonce"
        return answer.headers["DPoP-Nonce"]

    def post(self, form: dict[str, str], proof: str) -> requests.Response:
        return requests.post(f"{self.url}/oauth/token", data=form, headers={"DPoP": proof}, timeout=60)

    def at_once(self, form: dict[str, str], proofs: Sequence[str]) -> list[requests.Response]:
        with ThreadPoolExecutor(len(proofs)) as pool:
            return list(pool.map(lambda proof: self.post(form, proof), proofs))

    def refreshes(self) -> dict[str, str]:
        """Create a grant, and return the form of a token request that refreshes its tokens.

        The refresh token is not bound to a DPoP key yet.
        """
        return {"grant_type": "refresh_token", "refresh_token": self.shell(REFRESH).strip(), "client_id": "app"}


@pytest.fixture(scope="module")
def bound(module_issuer: Issuer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bound]:
    url = f"http://localhost:{free()}"
    issuer = Issuer(module_issuer.variables | {"ISSUER_URL": url, "DPOP_REQUIRES_NONCE": "true"})
    issuer.run("rotate_keys")
    bound = Bound(issuer, url, Key())
    bound.shell(REGISTER.format(given=json.dumps({"callback": CALLBACK, "jwks": None})))
    log = tmp_path_factory.mktemp("bound") / "issuer.log"
    child = serve(issuer, url, log)
    try:
        ready(child)
        yield bound
    finally:
        processes.stop([child])
    assert mistakes(log) == []


def verdicts(answers: list[requests.Response]) -> Counter[tuple[int, str]]:
    return Counter((answer.status_code, answer.json().get("error", "")) for answer in answers)


def test_a_proof_that_is_sent_by_twelve_at_once_is_accepted_once(bound: Bound) -> None:
    form, proof = bound.refreshes(), bound.proof(nonce=bound.nonce())
    answers = bound.at_once(form, [proof] * AT_ONCE)
    assert verdicts(answers) == {(200, ""): 1, (400, "invalid_dpop_proof"): AT_ONCE - 1}


def test_proofs_with_one_identifier_that_were_signed_apart_are_accepted_once(bound: Bound) -> None:
    form, nonce = bound.refreshes(), bound.nonce()
    answers = bound.at_once(form, [bound.proof(nonce=nonce, jti="one") for _ in range(AT_ONCE)])
    assert verdicts(answers) == {(200, ""): 1, (400, "invalid_dpop_proof"): AT_ONCE - 1}


def test_one_nonce_dates_the_proofs_of_twelve_requests_at_once_in_every_process(bound: Bound) -> None:
    form, nonce = bound.refreshes(), bound.nonce()
    answers = bound.at_once(form, [bound.proof(nonce=nonce) for _ in range(AT_ONCE)])
    assert verdicts(answers) == {(200, ""): AT_ONCE}
    assert {answer.json()["token_type"] for answer in answers} == {"DPoP"}
    [successor] = {answer.json()["refresh_token"] for answer in answers}
    others = [bound.proof(nonce=nonce, key=Key()) for _ in range(AT_ONCE)]
    stolen = bound.at_once(form | {"refresh_token": successor}, others)
    assert verdicts(stolen) == {(400, "invalid_grant"): AT_ONCE}


def test_nonces_of_twelve_refusals_at_once_are_few_and_each_is_accepted(bound: Bound) -> None:
    form = bound.refreshes()
    refused = bound.at_once(form, [bound.proof(nonce="stale") for _ in range(AT_ONCE)])
    assert verdicts(refused) == {(400, "use_dpop_nonce"): AT_ONCE}
    nonces = {answer.headers["DPoP-Nonce"] for answer in refused}
    assert len(nonces) <= 2, "one a minute"
    assert verdicts(bound.at_once(form, [bound.proof(nonce=nonce) for nonce in nonces])) == {(200, ""): len(nonces)}


def test_a_code_that_names_a_key_is_redeemed_once_by_it_while_others_try(bound: Bound) -> None:
    bound.shell(CODE.format(callback=CALLBACK, challenge=CHALLENGE))
    bound.shell(
        "from tokens.models import AuthorizationCode\n"
        f"AuthorizationCode.objects.update(dpop_jkt={bound.key.thumbprint!r})"
    )
    form = {"grant_type": "authorization_code", "code": "the-code", "redirect_uri": CALLBACK, "client_id": "app"}
    nonce, thief = bound.nonce(), Key()
    own = [bound.proof(nonce=nonce) for _ in range(AT_ONCE // 2)]
    others = [bound.proof(nonce=nonce, key=thief) for _ in own]
    answers = bound.at_once(form | {"code_verifier": VERIFIER}, [*others, *own])
    assert verdicts(answers) == {(200, ""): 1, (400, "invalid_grant"): AT_ONCE - 1}
    [token] = [answer.json()["access_token"] for answer in answers if answer.ok]
    assert claims_of(token)["cnf"] == {"jkt": bound.key.thumbprint}


def test_twelve_keys_that_would_bind_one_refresh_token_at_once_bind_it_to_one(bound: Bound) -> None:
    form, nonce = bound.refreshes(), bound.nonce()
    keys = [Key() for _ in range(AT_ONCE)]
    answers = bound.at_once(form, [bound.proof(nonce=nonce, key=key) for key in keys])
    assert verdicts(answers) == {(200, ""): AT_ONCE}, "the first use and its retries"
    [successor] = {answer.json()["refresh_token"] for answer in answers}
    after = bound.at_once(form | {"refresh_token": successor}, [bound.proof(nonce=nonce, key=key) for key in keys])
    assert verdicts(after) == {(200, ""): 1, (400, "invalid_grant"): AT_ONCE - 1}
