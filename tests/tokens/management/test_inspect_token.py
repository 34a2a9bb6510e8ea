"""`inspect_token` and its page in the admin: the checks of RFC 9068."""

import json
import sys
from datetime import UTC, datetime, timedelta
from io import StringIO

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from django.core.management import CommandError, call_command
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st

from tests.resources.loopback import Loopback
from tests.tokens.factories import basic, post
from tests.tokens.fuzz import EXAMPLES, anything, bounded
from tokens.inspection.report import NoToken, inspect
from tokens.inspection.signature_trial import VerificationKey
from tokens.issued import revocation_record
from tokens.keys import keyring

ISSUER = "https://issuer.example"
NOW = datetime(2026, 1, 1, tzinfo=UTC)
SECONDS = int(NOW.timestamp())
PRIVATE = rsa.generate_private_key(65537, 2048)
JWK = json.loads(jwt.algorithms.RSAAlgorithm.to_jwk(PRIVATE.public_key())) | {"kid": "k", "alg": "RS256"}
GOOD = {
    "iss": ISSUER,
    "sub": "ada",
    "aud": "https://api.example/",
    "client_id": "app",
    "jti": "1",
    "iat": SECONDS - 10,
    "exp": SECONDS + 600,
    "scope": "a b",
}
PAGE = "/admin/tokens/signingkey/inspect/"


def make(claims=None, *, typ="at+jwt", kid="k", key=PRIVATE, algorithm="RS256", **headers):
    claims = {name: value for name, value in {**GOOD, **(claims or {})}.items() if value is not None}
    named = {"kid": kid} if kid is not None else {}
    return jwt.encode(claims, key, algorithm=algorithm, headers={"typ": typ, **named, **headers})


def look(text):
    return inspect(text, issuer=ISSUER, keys=[VerificationKey(JWK, "signing")], now=NOW)


def failed(inspected):
    return [point.name for point in inspected.points if not point.holds]


def test_an_rfc_9068_access_token_passes_every_check():
    inspected = look(make({"auth_time": SECONDS - 20, "acr": "1", "amr": ["pwd"], "act": {"sub": "svc"}}))
    assert (failed(inspected), inspected.conforms, inspected.signature, inspected.key_phase) == (
        [],
        True,
        "verified",
        "signing",
    )


@pytest.mark.parametrize(
    ("text", "points"),
    [
        (make(typ="JWT"), ["typ is at+jwt"]),
        (make({"client_id": None}), ["client_id is there and well-formed"]),
        (make({"aud": []}), ["aud is there and well-formed"]),
        (make({"scope": ["a"]}), ["scope is well-formed"]),
        (make({"amr": "pwd"}), ["amr is well-formed"]),
        (make({"act": "svc"}), ["act is well-formed"]),
        (make({"iss": "https://other.example"}), ["iss is the issuer"]),
        (make({"exp": SECONDS}), ["it has not expired"]),
        (make({"act": {"sub": "svc", "act": {"sub": 7}}}), ["act is well-formed"]),
        (make({"act": {"sub": "svc", "act": "x"}}), ["act is well-formed"]),
        (make({"iat": SECONDS + 61}), ["it was not issued in the future"]),
        (make({"nbf": SECONDS + 61}), ["its nbf has come"]),
        (make({"exp": True}), ["exp is there and well-formed", "it has not expired"]),
        (make(kid="unknown"), ["the signature verifies"]),
        (make(crit=["exp"]), ["no critical extension is required"]),
        (make(key=rsa.generate_private_key(65537, 2048)), ["the signature verifies"]),
        (make(algorithm="PS256"), ["the signature verifies"]),
        (make(key=b"s" * 32, algorithm="HS256"), ["the signature verifies", "alg is asymmetric, and not none"]),
        (make(key=None, algorithm="none"), ["the signature verifies", "alg is asymmetric, and not none"]),
    ],
)
def test_each_failed_check_is_named(text, points):
    assert set(points) <= set(failed(look(text)))
    assert not look(text).conforms


@pytest.mark.parametrize(
    ("text", "notes"),
    [
        (make({"exp": SECONDS + 90_000}), ["it lives no longer than a day"]),
        (make(kid=None), ["kid names the key"]),
        (make({"iat": SECONDS + 59, "nbf": SECONDS + 59}), []),
        (make({"act": {"sub": "svc", "act": {"sub": "other"}}}), []),
    ],
)
def test_a_deviation_that_rfc_9068_allows_is_at_most_a_note(text, notes):
    inspected = look(text)
    assert (failed(inspected), inspected.conforms, inspected.signature) == (notes, True, "verified")


@pytest.mark.parametrize(
    "text", ["", "x", "a.b", "a.b.c", "a.b.c.d.e", "é.é.é", "eyJhbGciOiJub25lIn0.W10.", "." * 70_000]
)
def test_text_that_is_not_a_jwt_is_refused(text):
    with pytest.raises(NoToken):
        look(text)


@pytest.fixture
def issued(client, service):
    call_command("rotate_keys", stdout=StringIO())
    keyring.snapshots.forget()
    ask = {"grant_type": "client_credentials", "scope": "notes:read"}
    return post(client, "/oauth/token", ask, **basic("service", service.plain)).json()["access_token"]


def run(monkeypatch, text, *arguments):
    monkeypatch.setattr(sys, "stdin", StringIO(text))
    out = StringIO()
    try:
        call_command("inspect_token", *arguments, stdout=out)
    except CommandError as error:
        return error.returncode, out.getvalue()
    return 0, out.getvalue()


@pytest.mark.django_db
def test_the_command_accepts_a_token_of_this_issuer_and_names_the_key(monkeypatch, issued):
    code, out = run(monkeypatch, f"{issued}\n")
    assert (code, "FAIL" in out, "signing, ring default" in out) == (0, False, True)
    assert issued not in out, "the token itself is not repeated"
    assert json.loads(run(monkeypatch, issued, "--json")[1])["conforms"] is True


@pytest.mark.django_db
def test_the_exit_code_follows_the_checks(monkeypatch, issued):
    assert run(monkeypatch, "nonsense")[0] == 2
    assert run(monkeypatch, make())[0] == 3
    assert run(monkeypatch, issued, "--issuer", "https://127.0.0.1:1")[0] == 4


@pytest.mark.django_db
def test_another_issuer_s_token_is_inspected_by_the_keys_that_it_publishes(monkeypatch, settings):
    settings.DEBUG = True
    server = Loopback()
    try:
        server.publish({"keys": [JWK]})
        now = int(timezone.now().timestamp())
        text = make({"iss": server.url, "iat": now, "exp": now + 60})
        assert run(monkeypatch, text, "--issuer", server.url)[0] == 0
        assert run(monkeypatch, text, "--issuer", server.url + "/")[0] == 4, "its metadata names another issuer"
    finally:
        server.stop()


def test_the_admin_s_page_shows_the_checks_but_not_the_token(admin_client, issued):
    page = admin_client.post(PAGE, {"token": issued})
    html = page.content.decode()
    assert "This is a valid RFC 9068 access token." in html
    assert issued not in html
    assert "no-store" in page["Cache-Control"]
    claims = jwt.decode(issued, options={"verify_signature": False})
    revocation_record.revoke_token(claims["jti"], expires_at=timezone.now() + timedelta(hours=1))
    assert "in the revocation feed" in admin_client.post(PAGE, {"token": issued}).content.decode()


@pytest.mark.django_db
def test_the_command_shows_whether_a_token_of_this_issuer_is_revoked(monkeypatch, issued):
    assert run(monkeypatch, f"Bearer {issued}")[0] == 0
    claims = jwt.decode(issued, options={"verify_signature": False})
    revocation_record.revoke_token(claims["jti"], expires_at=timezone.now() + timedelta(hours=1))
    code, out = run(monkeypatch, issued)
    assert (code, "FAIL  it is not revoked" in out) == (3, True)


@pytest.mark.django_db
def test_a_token_of_a_revoked_key_fails(monkeypatch, issued):
    kid = jwt.get_unverified_header(issued)["kid"]
    call_command("revoke_key", kid, "--reason", "leaked", "--accept-outage", "--yes", stdout=StringIO())
    code, out = run(monkeypatch, issued)
    assert (code, "FAIL  its key is published" in out, "revoked, ring default" in out) == (3, True, True)


@pytest.mark.django_db
def test_a_token_in_the_command_line_is_refused_and_not_repeated(issued, capsys):
    with pytest.raises(CommandError) as failed:
        call_command("inspect_token", issued)
    assert (failed.value.returncode, issued in str(failed.value)) == (2, False)
    assert "standard input" in str(failed.value)


@pytest.mark.parametrize("text", ["x", make(), "<script>alert(1)</script>"])
def test_the_page_shows_an_error_for_any_invalid_input(admin_client, db, text):
    page = admin_client.post(PAGE, {"token": text})
    assert page.status_code == 200
    assert "<script>alert" not in page.content.decode()


def test_the_page_needs_the_permission_to_view_signing_keys(client, db, django_user_model):
    assert client.get(PAGE).status_code == 302
    staff = django_user_model.objects.create_user("staff", is_staff=True)
    client.force_login(staff)
    assert client.get(PAGE).status_code == 403


OTHER = rsa.generate_private_key(65537, 2048)
OTHER_JWK = json.loads(jwt.algorithms.RSAAlgorithm.to_jwk(OTHER.public_key()))
PAIR = json.loads(jwt.algorithms.RSAAlgorithm.to_jwk(PRIVATE))
SHORT = rsa.generate_private_key(65537, 1024)  # noqa: S505 (too short on purpose)
SHORT_JWK = json.loads(jwt.algorithms.RSAAlgorithm.to_jwk(SHORT.public_key()))
BARE = {name: JWK[name] for name in ("kty", "n", "e")}
EC = ec.generate_private_key(ec.SECP256R1())
EC_JWK = json.loads(jwt.algorithms.ECAlgorithm.to_jwk(EC.public_key()))
OKP = ed25519.Ed25519PrivateKey.generate()
OKP_JWK = json.loads(jwt.algorithms.OKPAlgorithm.to_jwk(OKP.public_key()))


def verdict(text, *jwks):
    return inspect(text, issuer=ISSUER, keys=[VerificationKey(jwk) for jwk in jwks], now=NOW).signature


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"use": "enc"}, "its key is not for signatures"),
        ({"use": 7}, "its key is not for signatures"),
        ({"key_ops": ["encrypt"]}, "its key is not for signatures"),
        ({"key_ops": "verify"}, "its key is not for signatures"),
        ({"alg": "RS512"}, "its alg is not that of the key"),
        ({"alg": ["RS256"]}, "its alg is not that of the key"),
        ({"kty": "EC"}, "its alg is not that of the key"),
        ({"kty": ["RSA"]}, "its alg is not that of the key"),
        ({"kty": "oct", "k": "c2VjcmV0"}, "private half"),
        (PAIR, "private half"),
        ({"n": 7}, "its key is malformed"),
        ({"n": "AA"}, "its key is malformed"),
        ({"n": "é"}, "its key is malformed"),
        ({"n": "A" * 200_000}, "its key is malformed"),
        ({"e": None}, "its key is malformed"),
        ({"n": "AQAB"}, "its key is malformed"),
        (SHORT_JWK, "fewer than 2048 bits"),
        ({"kid": ["k"]}, "no published key has its kid"),
        ({"kid": "l"}, "no published key has its kid"),
    ],
)
def test_a_key_that_may_not_verify_is_not_used(changed, reason):
    """RFC 7517 sections 4.1 to 4.4."""
    assert verdict(make(), {**JWK, **changed}) != "verified"
    assert reason in verdict(make(), {**JWK, **changed})
    assert verdict(make(), {**JWK, **changed}, JWK) == "verified", "the next key of that kid does"


@pytest.mark.parametrize(
    "jwk", [JWK, {**BARE, "kid": "k"}, {**JWK, "use": "sig", "key_ops": ["verify"]}, {**JWK, "alg": "RS256", "x5c": 7}]
)
def test_a_key_that_may_verify_is_used(jwk):
    assert verdict(make(), jwk) == "verified"


@pytest.mark.parametrize("order", [1, -1])
def test_every_key_of_one_kid_is_tried(order):
    same = [{**OTHER_JWK, "kid": "k"}, JWK][::order]
    assert verdict(make(), *same) == "verified"
    assert verdict(make(key=OTHER), *same) == "verified"


def test_no_more_than_four_keys_of_one_kid_are_tried():
    others = [{**OTHER_JWK, "kid": "k"}] * 3
    assert verdict(make(), *others, JWK) == "verified"
    assert verdict(make(), *others, others[0], JWK) == "it does not verify by any of 4 keys"
    unfit = [{**EC_JWK, "kid": "k"}, {**JWK, "use": "enc"}, {**JWK, "alg": "PS256"}]
    assert verdict(make(), *others, *unfit, JWK) == "verified", "only what may verify counts"


def test_without_a_kid_every_fitting_key_is_tried_and_its_absence_stays_an_advice():
    keys = [EC_JWK, {**JWK, "use": "enc"}, {**OTHER_JWK, "kid": "l"}, JWK, OKP_JWK]
    for key, algorithm in ((PRIVATE, "RS256"), (OTHER, "RS256"), (EC, "ES256"), (OKP, "EdDSA")):
        text = make(kid=None, key=key, algorithm=algorithm)
        inspected = inspect(text, issuer=ISSUER, keys=[VerificationKey(jwk) for jwk in keys], now=NOW)
        assert (inspected.signature, failed(inspected), inspected.conforms) == ("verified", ["kid names the key"], True)
    others = [OTHER_JWK] * 4
    assert verdict(make(kid=None), *others[1:], JWK) == "verified"
    assert verdict(make(kid=None), *others, JWK) == "it does not verify by any of 4 keys"


@pytest.mark.parametrize("algorithm", ["RS256", "PS512", "ES256", "ES384", "EdDSA"])
def test_every_asymmetric_algorithm_is_verified_by_a_key_of_its_kind(algorithm):
    key = {"R": PRIVATE, "P": PRIVATE, "E": EC}[algorithm[0]]
    key = {"ES384": ec.generate_private_key(ec.SECP384R1()), "EdDSA": OKP}.get(algorithm, key)
    jwk = json.loads(jwt.get_algorithm_by_name(algorithm).to_jwk(key.public_key()))
    assert verdict(make(key=key, algorithm=algorithm), jwk | {"kid": "k"}) == "verified"


def test_the_phase_is_that_of_the_key_which_verifies():
    keys = [VerificationKey({**OTHER_JWK, "kid": "k"}, "withdrawn"), VerificationKey(JWK, "signing")]
    assert inspect(make(), issuer=ISSUER, keys=keys, now=NOW).key_phase == "signing"
    assert inspect(make(key=OTHER), issuer=ISSUER, keys=keys, now=NOW).key_phase == "withdrawn"
    strange = make(key=rsa.generate_private_key(65537, 2048))
    assert inspect(strange, issuer=ISSUER, keys=keys[1:], now=NOW).key_phase == "signing", "the one that it names"
    assert inspect(make(kid="x"), issuer=ISSUER, keys=keys, now=NOW).key_phase == "unknown"


@bounded(EXAMPLES * 20)
@given(
    st.lists(st.dictionaries(st.sampled_from(["kty", "crv", "x", "y", "n", "e", "alg", "use", "kid"]), anything)),
    st.sampled_from([PRIVATE, EC, OKP]),
)
def test_a_malformed_published_key_is_skipped(strange, key):
    algorithm = {PRIVATE: "RS256", EC: "ES256", OKP: "EdDSA"}[key]
    text = make(key=key, algorithm=algorithm, kid=None)
    typed = [JWK | one for one in strange] + [EC_JWK | one for one in strange] + [OKP_JWK | one for one in strange]
    assert verdict(text, *strange, *typed)


def test_a_signature_has_one_spelling():
    assert verdict(make() + "=", JWK) == "it cannot be read: it is no base64url in its one spelling"


@pytest.mark.django_db
def test_of_two_published_keys_with_one_kid_a_foreign_issuer_s_token_may_be_signed_by_either(monkeypatch, settings):
    settings.DEBUG = True
    server = Loopback()
    try:
        server.publish({"keys": [7, {**BARE, "use": "enc"}, JWK, {**OTHER_JWK, "kid": "k"}]})
        now = int(timezone.now().timestamp())
        for key, kid in ((PRIVATE, "k"), (OTHER, "k"), (PRIVATE, None)):
            text = make({"iss": server.url, "iat": now, "exp": now + 60}, key=key, kid=kid)
            assert run(monkeypatch, text, "--issuer", server.url)[0] == 0
        server.publish({"keys": [{**JWK, "use": "enc"}]})
        code, output = run(monkeypatch, text, "--issuer", server.url)
        assert (code, "signature  its key is not for signatures" in output) == (3, True)
    finally:
        server.stop()
