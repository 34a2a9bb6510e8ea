"""Client secrets that were imported from another project and are stored as a slow hash (a password hash of Django).

- The other project exported either the slow hash or the secret itself. If it exported a secret that is too short for
  256 bits, this module makes the slow hash, because an attacker could guess such a secret.
- The slow hash is in the column `imported_hash`. The column `digest`, for the fast hash, has a random value.
- At the first use, `client_secret` replaces the slow hash by a fast hash if the secret is long enough for 256 bits.
"""

import secrets
from collections.abc import Sequence
from datetime import datetime

from django.contrib.auth.hashers import check_password, identify_hasher, make_password

from tokens.database_errors import unless_down
from tokens.limits import password_slots
from tokens.models import Client, ClientSecret


def add(client: Client, secret: str, *, key_id: str, now: datetime) -> bool:
    """Store an imported secret as a slow hash. The client had this secret at another OAuth server.

    `secret` is a hash in Django's format, or the secret itself, which this function then hashes. `key_id`, which the
    row also stores, is the id of the first entry of KEY_ENCRYPTION_KEYS. Returns False, and stores nothing, if no
    hasher of Django knows the hash.
    """
    if "$" in secret and not _has_hasher(secret):
        return False
    ClientSecret.objects.create(
        client=client,
        encryption_key_id=key_id,
        digest=secrets.token_bytes(32),  # equals no hash of a presented secret
        imported_hash=secret if "$" in secret else make_password(secret),
        created_at=now,
    )
    return True


def find(live: Sequence[ClientSecret], presented: str) -> ClientSecret | None:
    """Return the secret of `live` whose imported (slow) hash matches `presented`, or None.

    Raises Busy if too many imported secrets are being compared at the same time.
    """
    for secret in live:
        if secret.imported_hash:
            with password_slots.bound_for_secrets().slot():
                if check_password(presented, secret.imported_hash):
                    return secret
    return None


def replace_hash(secret: ClientSecret, digest: bytes, *, key_id: str, hint: str) -> None:
    """Replace the imported (slow) hash by `digest`, the fast hash.

    `key_id` is the id of the entry of KEY_ENCRYPTION_KEYS under which the fast hash was made. `hint` is the end of the
    secret, by which operators recognize the secret. Changes nothing if the database is down.
    """
    with unless_down():
        rows = ClientSecret.objects.filter(pk=secret.pk, imported_hash=secret.imported_hash)
        rows.update(encryption_key_id=key_id, digest=digest, imported_hash=None, hint=hint)
        secret.digest, secret.encryption_key_id, secret.imported_hash = digest, key_id, None


def _has_hasher(encoded: str) -> bool:
    try:
        identify_hasher(encoded)
    except ValueError:
        return False
    return True
