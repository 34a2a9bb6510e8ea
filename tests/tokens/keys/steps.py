"""Steps of a key rotation of the default ring, on the real clock."""

from dataclasses import replace
from datetime import timedelta

from tests.clock import database_at
from tests.tokens.factories import operation
from tokens.checks import key_health
from tokens.conf import issuer
from tokens.keys import private_keys, store
from tokens.keys.cancellation import cancel
from tokens.keys.rotation import rotate
from tokens.keys.rules.policy import PRODUCTION
from tokens.models import SigningKey


def run(*, early=False, policy=PRODUCTION, keys=None, **options):
    changes = {"encryption_keys": keys} if keys else {}
    return rotate(operation(store.database_now(), policy=policy, **changes), early=early, **options)


def at(instant):
    return database_at(instant)


def other(**changes):
    return replace(PRODUCTION, **{name: timedelta(seconds=value) for name, value in changes.items()})


def forged_row(pair=None):
    """Write a row of a key without knowing a secret, as an attacker with access to the database can. Return its kid.

    `pair` is the key pair of the row. By default, it is a new one.
    """
    forged = SigningKey.objects.get(signs_at__isnull=False)
    pair = pair or private_keys.keystore("database").generate("RS256", bits=None)
    forged.pk, forged.kid, forged.public_jwk = None, pair.kid, pair.jwk
    forged.withdraw_at = store.database_now() + timedelta(days=9)
    forged.encryption_key_id = "0" * 8
    forged.save(force_insert=True)
    return pair.kid


def cancel_key(kid):
    return cancel(operation(store.database_now()), kid)


def problems():
    return key_health.check(policy=PRODUCTION, encryption_keys=issuer().encryption_keys(), now=store.database_now())
