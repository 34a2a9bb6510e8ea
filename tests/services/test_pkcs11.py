"""Signing keys in SoftHSM, a software PKCS#11 token. They are generated, used and destroyed in the token.

The private keys never leave the token.
"""

import base64
import json
import os
import secrets
import subprocess
from datetime import timedelta
from pathlib import Path

import psycopg
import pytest
from joserfc import jwk, jws

from tests.clock import clocks_at
from tests.services.conftest import Issuer
from tests.tokens.factories import operation
from tokens.keys import keyring, private_keys, revocation, rotation, store
from tokens.keys.errors import CannotOpen
from tokens.keys.rings import RingKind
from tokens.keys.rules import lifecycle
from tokens.keys.rules.policy import PRODUCTION
from tokens.models import SigningKey
from tokens.settings.issuer import Pkcs11Settings

pytestmark = [pytest.mark.services, pytest.mark.xdist_group("softhsm")]

MODULE = next((path for path in Path("/usr/lib").glob("**/libsofthsm2.so")), Path("libsofthsm2.so is not installed"))
SIGN = (
    "from django.utils import timezone; from tokens.keys import keyring, publication; from tokens.issued import jws;"
    "import json; now = timezone.now();"
    "print(json.dumps({'token': jws.sign({'sub': 'me'}, typ='JWT', signer=keyring.signer(now=now)),"
    " 'keys': [key.jwk for key in publication.jwks(now=now)]}))"
)


@pytest.fixture(scope="session")
def softhsm(tmp_path_factory):
    """Create a PKCS#11 token in SoftHSM, and return its settings.

    There is one for all tests, because SoftHSM reads its configuration once per process.
    """
    home = tmp_path_factory.mktemp("softhsm")
    (home / "tokens").mkdir()
    (home / "softhsm2.conf").write_text(f"directories.tokendir = {home}/tokens\nlog.level = ERROR\n")
    os.environ["SOFTHSM2_CONF"] = str(home / "softhsm2.conf")
    pin = secrets.token_hex(8)
    subprocess.run(
        ["softhsm2-util", "--init-token", "--free", "--label", "keyturn", "--so-pin", pin, "--pin", pin],
        check=True,
        capture_output=True,
    )
    return Pkcs11Settings(module=str(MODULE), token="keyturn", pin=pin)


@pytest.fixture
def hsm(softhsm, settings):
    settings.ISSUER = settings.ISSUER | {
        "PKCS11_MODULE": softhsm.module,
        "PKCS11_TOKEN": softhsm.token,
        "PKCS11_PIN": softhsm.pin,
    }
    private_keys.keystore.cache_clear()
    opened = private_keys.keystore("pkcs11")
    yield opened
    opened.close()
    private_keys.keystore.cache_clear()


def objects(hsm):
    return hsm._in_session(lambda session: list(session.get_objects()))


@pytest.mark.parametrize(("algorithm", "bits"), [("RS256", None), ("RS256", 3072), ("PS256", None), ("ES256", None)])
def test_what_the_token_signs_a_foreign_library_verifies(hsm, algorithm, bits):
    pair = hsm.generate(algorithm, bits=bits)
    again = hsm.load(pair.secret, algorithm=algorithm)
    assert again.jwk == pair.jwk
    parts = [
        base64.urlsafe_b64encode(part).rstrip(b"=") for part in (json.dumps({"alg": algorithm}).encode(), b"story")
    ]
    signature = base64.urlsafe_b64encode(again.sign(b".".join(parts))).rstrip(b"=")
    token = b".".join([*parts, signature]).decode()
    assert (
        jws.deserialize_compact(token, jwk.JWKRegistry.import_key(pair.jwk), algorithms=[algorithm]).payload == b"story"
    )


def test_the_private_half_can_neither_be_read_nor_exported(hsm):
    from pkcs11 import Attribute, AttributeSensitive, ObjectClass  # noqa: PLC0415 (the extra under test)

    pair = hsm.generate("RS256", bits=None)
    private = hsm._in_session(lambda session: session.get_key(object_class=ObjectClass.PRIVATE_KEY, id=pair.secret))
    assert (private[Attribute.SENSITIVE], private[Attribute.EXTRACTABLE]) == (True, False)
    with pytest.raises(AttributeSensitive):
        private[Attribute.PRIVATE_EXPONENT]


def test_a_destroyed_key_is_deleted_from_the_pkcs11_token(hsm):
    pair = hsm.generate("ES256", bits=None)
    before = len(objects(hsm))
    hsm.destroy(pair.secret)
    assert len(objects(hsm)) == before - 2, "the private and the public object"
    with pytest.raises(CannotOpen, match="lacks a key"):
        pair.sign(b"late")
    hsm.destroy(pair.secret)


def test_an_algorithm_that_the_token_does_not_make_is_refused(hsm):
    with pytest.raises(ValueError, match="not 'EdDSA'"):
        hsm.generate("EdDSA", bits=None)


@pytest.mark.parametrize(
    ("changes", "because"),
    [
        ({"PKCS11_PIN": "wrong"}, "PinIncorrect"),
        ({"PKCS11_TOKEN": "another"}, "NoSuchToken"),
        ({"PKCS11_MODULE": "/nowhere.so"}, "/nowhere.so"),
        ({"PKCS11_MODULE": ""}, "PKCS11_MODULE"),
    ],
)
def test_a_token_that_cannot_be_opened_is_named_and_its_pin_is_not(hsm, settings, softhsm, changes, because):
    settings.ISSUER = settings.ISSUER | changes
    private_keys.keystore.cache_clear()
    with pytest.raises(CannotOpen, match=because) as refused:
        private_keys.keystore("pkcs11").generate("RS256", bits=None)
    assert softhsm.pin not in str(refused.value)


@pytest.fixture
def clock(db):
    """Yield a list with one time, which the clocks of node and database show.

    A test sets both clocks by replacing the element of the list.
    """
    shown = [store.database_now()]
    with clocks_at(lambda: shown[0]):
        yield shown


def test_a_ring_in_the_pkcs11_token_passes_every_phase(hsm, clock, django_capture_on_commit_callbacks):
    def rotate(**options):
        with django_capture_on_commit_callbacks(execute=True):
            return rotation.rotate(operation(clock[0]), kind=RingKind(keystore="pkcs11"), **options)

    before = len(objects(hsm))
    assert rotate().step == "created"
    assert len(objects(hsm)) == before + 4, "two pairs"
    assert all(len(bytes(row.sealed)) < 64 for row in SigningKey.objects.all()), "an identifier, and no private half"
    old = SigningKey.objects.get(signs_at__isnull=False)
    clock[0] = rotate(early=True).at + PRODUCTION.last_signature
    assert rotate().step == "destroyed"
    assert len(objects(hsm)) == before + 4, "a third pair came, the first one went"
    keys = [stored.key for stored in store.load("default")]
    assert lifecycle.phase(next(key for key in keys if key.kid == old.kid), keys, now=clock[0]) == "retired"
    keyring.snapshots.forget()
    assert keyring.signer(now=clock[0]).sign(b"story")
    keyring.snapshots.forget()


def test_the_key_of_a_flush_is_made_in_the_token_and_destroyed_there_if_a_sooner_one_takes_its_place(
    hsm, clock, django_capture_on_commit_callbacks
):
    before = len(objects(hsm))
    rotation.rotate(operation(clock[0]), kind=RingKind(keystore="pkcs11"))
    clock[0] += timedelta(days=3)

    def revoke(kid, **options):
        with django_capture_on_commit_callbacks(execute=True):
            return revocation.revoke(operation(clock[0]), kid, reason="leaked", **options)

    first = revoke(SigningKey.objects.get(signs_at__isnull=False).kid)
    assert len(objects(hsm)) == before + 6, "the successor, the flush and the standby; the revoked key is gone"
    clock[0] += timedelta(hours=1)
    second = revoke(SigningKey.objects.get(signs_at=None, revoked_at=None).kid, flush_after=timedelta(minutes=10))
    assert SigningKey.objects.get(kid=first.flush_kid).cancelled_at is not None
    assert len(objects(hsm)) == before + 6, "two keys came, the standby and the first flush went"
    clock[0] = second.flush_at
    keyring.snapshots.forget()
    assert keyring.signer(now=clock[0]).kid == second.flush_kid
    assert keyring.signer(now=clock[0]).sign(b"story")
    keyring.snapshots.forget()


def test_an_issuer_on_postgresql_signs_with_keys_of_the_token(softhsm, issuer: Issuer):
    issuer.variables.update(
        SOFTHSM2_CONF=os.environ["SOFTHSM2_CONF"],
        PKCS11_MODULE=softhsm.module,
        PKCS11_TOKEN=softhsm.token,
        PKCS11_PIN=softhsm.pin,
    )
    assert issuer.run("rotate_keys", "--ring", "default", "--keystore", "pkcs11").startswith("created")
    answer = json.loads(issuer.run("shell", "-v", "0", "-c", SIGN))
    token = jws.deserialize_compact(answer["token"], jwk.KeySet.import_key_set({"keys": answer["keys"]}), ["RS256"])
    assert json.loads(token.payload) == {"sub": "me"}
    issuer.variables["PKCS11_PIN"] = "wrong"
    refused = issuer.start("rotate_keys", "--now")
    _, err = refused.communicate(timeout=600)
    assert (refused.returncode, "PinIncorrect" in err, softhsm.pin in err) == (5, True, False)
    with psycopg.connect(issuer.variables["DATABASE_URL"]) as connection:
        assert connection.execute("SELECT count(*) FROM tokens_signingkey").fetchone() == (2,)
