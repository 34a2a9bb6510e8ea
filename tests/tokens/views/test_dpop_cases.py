"""The token endpoint and userinfo answer each DPoP proof of tests/dpop_cases.json.

They accept no forged proof, and never answer 500.
"""

from datetime import UTC, datetime, timedelta

import pytest

from tests.dpop_cases import NOW, ProofCase, access_token_hash, cases
from tests.tokens.factories import basic, post, redeem
from tests.tokens.proofs import claims_of
from tests.tokens.rfc import signed_again
from tokens import userinfo
from tokens.grants import holder_key
from tokens.models import UsedProof

AT = datetime.fromtimestamp(NOW, UTC)
OWN = {"grant_type": "client_credentials", "scope": "notes:read"}
TOKEN_CASES = cases("issuer")
# The issuer itself refuses a nonce that it did not make.
USERINFO_CASES = [case for case in cases("api") if not (case.at == "api" and "nonce" in case.claims)]


@pytest.fixture(autouse=True)
def the_server_of_the_table(settings, monkeypatch, signer, at):
    """Give the issuer the URL of the server in tests/dpop_cases.json, and set the clock to the time of that table.

    The issuer's endpoints accept proofs for the path of that URL.
    """
    settings.ISSUER = settings.ISSUER | {"URL": "https://server.example"}
    monkeypatch.setitem(holder_key.verified.__kwdefaults__, "path", "/path")
    monkeypatch.setattr(userinfo, "PATH", "/path")
    at(AT)


def sent(value):
    return {} if value is None else {"HTTP_DPOP": value}


def verdict(answer):
    return answer.status_code, answer.json().get("error")


def test_the_token_endpoint_answers_each_proof_as_the_table_says(client, service, at):
    def token(case: ProofCase):
        return post(client, "/oauth/token", OWN, **basic("service", service.plain), **sent(case.value()))

    for case in TOKEN_CASES:
        UsedProof.objects.all().delete()
        at(AT)
        assert [token(earlier).status_code for earlier in case.before()] == [200] * len(case.earlier), case.name
        at(AT + timedelta(seconds=case.later))
        answer = token(case)
        if case.refused:
            assert verdict(answer) == (400, "invalid_dpop_proof"), case.name
        else:
            assert (verdict(answer), answer.json()["token_type"]) == ((200, None), "DPoP"), case.name
            assert claims_of(answer.json()["access_token"])["cnf"] == {"jkt": case.jkt}


def test_userinfo_answers_each_proof_as_the_table_says(client, webapp, code, signer, at):
    plain = redeem(client, webapp, code(webapp, scope="openid")).json()["access_token"]

    def claims(case: ProofCase, token: str):
        extra = sent(case.value(ath=access_token_hash(token)))
        return client.generic(case.method, "/oauth/userinfo", HTTP_AUTHORIZATION=f"DPoP {token}", **extra)

    for case in USERINFO_CASES:
        UsedProof.objects.all().delete()
        at(AT)
        for earlier in case.before():
            assert claims(earlier, signed_again(plain, signer, cnf={"jkt": earlier.jkt})).status_code == 200, case.name
        at(AT + timedelta(seconds=case.later))
        answer = claims(case, signed_again(plain, signer, cnf={"jkt": case.jkt}))
        if case.refused:
            error = "invalid_token" if case.refused == "binding" else "invalid_dpop_proof"
            assert verdict(answer) == (401, error), case.name
            assert f'error="{error}"' in answer["WWW-Authenticate"].partition(", Bearer ")[0]
        else:
            assert (verdict(answer), [*answer.json()]) == ((200, None), ["sub"]), case.name


def test_both_tables_have_enough_forged_and_replayed_proofs():
    assert min(sum(bool(case.refused) for case in table) for table in (TOKEN_CASES, USERINFO_CASES)) >= 100
