"""The plan fapi2-security-profile-final-test-plan: the token endpoint, DPoP, and the use of tokens.

Variant: private_key_jwt and DPoP, with OpenID Connect, with plain OAuth, and with the client credentials grant. The
resource is userinfo, or the example API for the variants without OpenID Connect.
"""

import base64
import json
import time
from urllib.parse import urlsplit

import pytest
import requests
from authlib.integrations.requests_client import OAuth2Session
from authlib.oauth2.rfc7523 import PrivateKeyJWT
from joserfc.jwk import ECKey, RSAKey

from tests import marks
from tests.conformance.bank import OPENID, OWN, VERIFIER, Bank, age, claims_of, refusal
from tests.conformance.suite import TIMEOUT

pytestmark = [*marks.fapi2]
NOT_CLIENT = ("invalid_client", "invalid_request")
NOT_BOUND = ("invalid_request", "invalid_grant", "invalid_dpop_proof")


def test_fapi2_happy_flow(holder: Bank):
    """Two clients get access tokens. Each token is accepted with a DPoP proof by the key to which it is bound.

    A token is refused in the query of the URL, and with a proof by the other client's key.
    """
    first = authlib_tokens(holder) if holder.variant != OWN else holder.tokens()
    assert holder.use(first).status_code == 200
    assert holder.use(first, Accept="application/json; charset=utf-8").status_code == 200
    in_query = requests.get(holder.resource, params={"access_token": first["access_token"]}, timeout=TIMEOUT)
    assert in_query.status_code in {400, 401}
    other = holder.named("client2")
    other.key = ECKey.generate_key("P-256")
    second = other.tokens(**({} if holder.variant == OWN else {"code": other.code(dpop_jkt=other.key.thumbprint())}))
    assert other.use(second).status_code == 200
    assert holder.use(second).status_code == 401
    if holder.variant == OPENID:
        claims = claims_of(second["id_token"])
        assert (claims["iss"], claims["aud"]) == (holder.suite.issuer, other.client_id)
        assert holder.use(first).json()["sub"] == claims_of(first["id_token"])["sub"]


def authlib_tokens(bank: Bank) -> dict:
    """Return the tokens that Authlib gets with a client assertion that Authlib makes."""
    key = bank.keys["ES256"]
    session = OAuth2Session(
        bank.client_id, key, token_endpoint_auth_method="private_key_jwt", redirect_uri=bank.suite.callback
    )
    session.register_client_auth_method(PrivateKeyJWT(bank.suite.issuer, alg="ES256", headers={"kid": key.kid}))
    proof = bank.proof("POST", bank.url("token"))
    return session.fetch_token(
        bank.url("token"),
        grant_type="authorization_code",
        code=bank.code(),
        code_verifier=VERIFIER,
        headers={"DPoP": proof, "Content-Type": "application/x-www-form-urlencoded"},
    )


@pytest.mark.parametrize("scheme", ["dpop", "DPOP", "dPoP"])
def test_fapi2_access_token_type_header_case_sensitivity(holder: Bank, scheme):
    """The resource accepts the scheme DPoP in any case of letters (RFC 9110 section 11.1)."""
    tokens = holder.tokens()
    assert holder.use(tokens, Authorization=f"{scheme} {tokens['access_token']}").status_code == 200


def test_fapi2_check_dpop_proof_nbf_exp(holder: Bank):
    """A proof may have nbf and exp: the token endpoint and the resource accept it."""
    now = int(time.time())
    times = {"nbf": now - 10, "exp": now + 60}
    answer = holder.token(holder.form(), proof=holder.proof("POST", holder.url("token"), **times))
    assert answer.status_code == 200, answer.text
    tokens = answer.json()
    proof = holder.proof("GET", holder.resource, token=tokens["access_token"], **times)
    assert holder.use(tokens, proof=proof).status_code == 200


def dated(bank: Bank, seconds: int) -> None:
    """Send DPoP proofs to the PAR endpoint, the token endpoint and the resource. Asserts that all are accepted.

    The iat of the proofs is the current time plus `seconds`, which can be negative.
    """
    iat = int(time.time()) + seconds
    proof = bank.proof("POST", bank.url("par"), iat=iat)
    form = bank.form() if bank.variant == OWN else bank.form(code=bank.code(proof=proof))
    answer = bank.token(form, proof=bank.proof("POST", bank.url("token"), iat=iat))
    assert answer.status_code == 200, answer.text
    tokens = answer.json()
    good = bank.proof("GET", bank.resource, token=tokens["access_token"], iat=iat)
    assert bank.use(tokens, proof=good).status_code == 200


def test_fapi2_ensure_dpopproof_with_iat_10seconds_before_succeeds(holder: Bank):
    """Proofs whose iat is 10 s in the past are accepted everywhere."""
    dated(holder, -10)


def test_fapi2_ensure_dpopproof_with_iat_10seconds_after_succeeds(holder: Bank):
    """Proofs whose iat is 10 s in the future are accepted everywhere."""
    dated(holder, 10)


def test_fapi2_ensure_mismatched_dpop_jkt_fails(bank: Bank):
    """A pushed request is refused if its dpop_jkt is not the thumbprint of the key that signed its proof."""
    other = ECKey.generate_key("P-256").thumbprint()
    proof = bank.proof("POST", bank.url("par"))
    refusal(bank.push(proof=proof, dpop_jkt=other), "invalid_request", "invalid_dpop_proof")


def another_key(bank: Bank, code: str) -> None:
    """Redeem a code that is bound to a DPoP key, with a proof by another key. Asserts that this is refused."""
    form = bank.form(code=code)
    bank.key = ECKey.generate_key("P-256")
    refusal(bank.token(form), *NOT_BOUND)


def test_fapi2_ensure_token_endpoint_fails_with_mismatched_dpop_proof_jkt(bank: Bank):
    """If a request was pushed with a DPoP proof, its code cannot be redeemed with a proof by another key."""
    another_key(bank, bank.code(proof=bank.proof("POST", bank.url("par"))))


def test_fapi2_ensure_token_endpoint_fails_with_mismatched_dpop_jkt(bank: Bank):
    """If an authorization request had a dpop_jkt, its code cannot be redeemed with a DPoP proof by another key."""
    another_key(bank, bank.code(dpop_jkt=bank.key.thumbprint()))


def test_fapi2_ensure_dpopproof_at_par_endpoint_binding_success(bank: Bank):
    """If a request was pushed with a DPoP proof, its code is accepted with a proof by the same key."""
    assert bank.use(bank.tokens(code=bank.code(proof=bank.proof("POST", bank.url("par"))))).status_code == 200


def test_fapi2_ensure_dpop_auth_code_binding_success(bank: Bank):
    """A code that is bound to a DPoP key can be redeemed with a proof by this key.

    The request had the dpop_jkt of this key, and was pushed with a proof by this key.
    """
    code = bank.code(proof=bank.proof("POST", bank.url("par")), dpop_jkt=bank.key.thumbprint())
    assert bank.use(bank.tokens(code=code)).status_code == 200


def test_fapi2_ensure_client_id_in_token_endpoint(holder: Bank):
    """An assertion of one client is refused if it is signed by the key of another client."""
    forged = holder.named("client2").assertion(signer="client") | {"client_id": holder.named("client2").client_id}
    refusal(holder.token(holder.form(), by=forged), "invalid_client", "invalid_grant")


def test_fapi2_ensure_holder_of_key_required(holder: Bank):
    """A token request without a proof is refused."""
    refusal(holder.token(holder.form(), proof=""), *NOT_BOUND)


def test_fapi2_ensure_authorization_code_is_bound_to_client(bank: Bank):
    """A code is refused for another client, which authenticates by its own key."""
    form, other = bank.form(), bank.named("client2")
    refusal(bank.token(form, by=other.assertion()), "invalid_grant")


def test_fapi2_attempt_reuse_authorization_code_after_one_second(bank: Bank):
    """A code is refused if it is redeemed again after one second. After 31 s, the access token is revoked, too."""
    form = bank.form()
    tokens = bank.token(form).json()
    database = bank.suite.plan["database"]
    age(database, "tokens_authorizationcode", "redeemed_at", 1)
    refusal(bank.token(form), "invalid_grant")
    age(database, "tokens_authorizationcode", "redeemed_at", 30)
    refusal(bank.token(form), "invalid_grant")
    if bank.variant == OPENID:
        assert bank.use(tokens).status_code == 401


def test_fapi2_ensure_token_endpoint_fails_with_expired_auth_code(bank: Bank):
    """A code is refused 62 s after it was given."""
    form = bank.form()
    age(bank.suite.plan["database"], "tokens_authorizationcode", "expires_at", 62)
    refusal(bank.token(form), "invalid_grant")


def test_fapi2_ensure_signed_client_assertion_with_RS256_fails(holder: Bank):  # noqa: N802 (the module's name)
    """The token endpoint refuses an assertion with RS256, and accepts one with PS256 and the same key."""
    form = holder.form()
    refusal(holder.token(form, by=holder.assertion(algorithm="RS256")), "invalid_client")
    assert holder.token(form, by=holder.assertion(algorithm="PS256")).status_code == 200


def test_fapi2_ensure_client_assertion_in_token_endpoint(holder: Bank):
    """A token request without an assertion is refused."""
    refusal(holder.token(holder.form(), by={"client_id": holder.client_id}), *NOT_CLIENT)
    refusal(holder.token(holder.form(), by={}), *NOT_CLIENT)


def test_fapi2_ensure_client_assertion_with_exp_is_5_minutes_in_past_fails(holder: Bank):
    """An assertion that expired 5 minutes ago is refused."""
    then = int(time.time()) - 300
    refusal(holder.token(holder.form(), by=holder.assertion(exp=then)), *NOT_CLIENT)
    refusal(holder.token(holder.form(), by=holder.assertion(iat=then - 60, exp=then)), *NOT_CLIENT)


def test_fapi2_ensure_client_assertion_with_wrong_aud_fails(holder: Bank):
    """An assertion for another server is refused."""
    refusal(holder.token(holder.form(), by=holder.assertion(aud="https://other.example")), *NOT_CLIENT)


def test_fapi2_ensure_client_assertion_with_no_sub_fails(holder: Bank):
    """An assertion without sub is refused. Otherwise, a signed request object could pass as an assertion."""
    refusal(holder.token(holder.form(), by=holder.assertion(sub=None)), "invalid_client")


def changed(proof: str, **header: object) -> str:
    """Return the proof with changed header members, but with its old signature. None removes a member."""
    head, payload, signature = proof.split(".")
    members = json.loads(base64.urlsafe_b64decode(head + "=="))
    members = {name: value for name, value in (members | header).items() if value is not None}
    return f"{base64.urlsafe_b64encode(json.dumps(members).encode()).rstrip(b'=').decode()}.{payload}.{signature}"


def test_fapi2_dpop_negative_tests(holder: Bank):
    """The resource refuses a bound token without a DPoP proof, and with each invalid proof.

    An invalid proof lacks a member, has a wrong signature, was used before, or is for another method, URL, time, token
    or key.
    """
    tokens = holder.tokens()
    token, url = tokens["access_token"], holder.resource

    def status(method: str = "GET", htu: str = url, **changes) -> int:
        return holder.use(tokens, proof=holder.proof(method, htu, **{"token": token} | changes)).status_code

    good = holder.proof("GET", url, token=token)
    private, now = holder.key.as_dict(private=True), int(time.time())
    other, parts = Bank(holder.suite), urlsplit(url)
    refused = {
        "two proofs": holder.use(tokens, proof=f"{good}, {holder.proof('GET', url, token=token)}").status_code,
        "no JWT": holder.use(tokens, proof=good.rpartition(".")[0]).status_code,
        **{f"no {name}": status(header={name: None}) for name in ("typ", "jwk")},
        **{f"no {name}": status(**{name: None}) for name in ("jti", "htm", "htu", "iat", "ath")},
        "no alg": holder.use(tokens, proof=changed(good, alg=None)).status_code,
        "alg none": holder.use(tokens, proof=changed(good, alg="none").rpartition(".")[0] + ".").status_code,
        "another typ": status(header={"typ": "JWT"}),
        "another signature": holder.use(tokens, proof=f"{good[:-8]}{'A' * 8}").status_code,
        "a private key": status(header={"jwk": private}),
        "another method": status("POST"),
        "another URL": status(htu=f"{url}/elsewhere"),
        "an hour ahead": status(iat=now + 3600),
        "an hour ago": status(iat=now - 3600),
        "another ath": status(ath="A" * 43),
        "another key": holder.use(tokens, proof=other.proof("GET", url, token=token)).status_code,
        "no proof": holder.use(tokens, proof="").status_code,
        "as bearer token": holder.use(tokens, proof="", Authorization=f"Bearer {token}").status_code,
    }
    assert {name: answer for name, answer in refused.items() if answer not in {400, 401}} == {}
    once = holder.proof("GET", url, token=token)
    assert holder.use(tokens, proof=once).status_code == 200
    assert holder.use(tokens, proof=once).status_code in {400, 401}
    accepted = {
        "query in htu": status(htu=f"{url}?a=b#c"),
        "further members": status(header={"extra": "x"}, extra="x"),
        "capitals": status(htu=f"{parts.scheme.upper()}://{parts.netloc.upper()}{parts.path}"),
        "the header in capitals": holder.use(tokens, proof="", DPOP=holder.proof("GET", url, token=token)).status_code,
    }
    assert {name: answer for name, answer in accepted.items() if answer != 200} == {}
    assert holder.use(tokens).status_code == 200


def test_fapi2_dpop_negative_tests_by_rs256(connect: Bank):
    """The token endpoint refuses a DPoP proof with RS256, and accepts one with PS256 and the same key."""
    form, connect.key = connect.form(), RSAKey.generate_key(2048)
    for algorithm, status in (("RS256", 400), ("PS256", 200)):
        proof = connect.proof("POST", connect.url("token"), header={"alg": algorithm})
        assert connect.token(form, proof=proof).status_code == status


def test_fapi2_refresh_token(bank: Bank):
    """A refresh request with a proof by a new DPoP key is accepted. The refresh token and the user stay the same.

    A refresh request is refused without a client assertion, without a DPoP proof, and for another client.
    """
    scope = "openid offline_access" if bank.variant == OPENID else "notes:read offline_access"
    tokens = bank.tokens(code=bank.code(scope=scope, prompt="consent"))
    form = {"grant_type": "refresh_token", "refresh_token": tokens["refresh_token"], "scope": scope}
    for _ in range(2):
        bank.key = ECKey.generate_key("P-256")
        new = bank.token(form).json()
        assert new.get("refresh_token", tokens["refresh_token"]) == tokens["refresh_token"]
        assert bank.use(new).status_code == 200
        if bank.variant == OPENID:
            names = ("iss", "sub", "aud")
            was, now = (claims_of(answer["id_token"]) for answer in (tokens, {**tokens, **new}))
            assert [was[name] for name in names] == [now[name] for name in names]
    refusal(bank.token(form, by={}), "invalid_client", "invalid_request", "invalid_grant")
    refusal(bank.token(form, proof=""), *NOT_BOUND)
    refusal(bank.named("client2").token(form), "invalid_grant", "invalid_client")


def test_fapi2_ensure_pkce_code_verifier_required(bank: Bank):
    """A code is refused without its code verifier."""
    refusal(bank.token(bank.form(code_verifier=None)), "invalid_grant")


def test_fapi2_incorrect_pkce_code_verifier_rejected(bank: Bank):
    """A code is refused with a wrong code verifier."""
    refusal(bank.token(bank.form(code_verifier="w" * 43)), "invalid_grant")
