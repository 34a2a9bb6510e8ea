"""Find signing keys whose revocation was lost when the database was restored from an older backup.

The audit journal has the revocation, but the key is still live in the database. The journal is right:
- The key counts as revoked. So it is neither used nor published (`as_revoked`).
- No step except a revocation may change the key's ring (`require_none`). A revocation is the remedy.
- Checks report the key, and `manage.py after_restore` revokes it again (`revived`).
"""

import logging
from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import datetime

from django.db.models import Q

from tokens.audit import journal
from tokens.keys.errors import Unsafe
from tokens.keys.store import StoredKey
from tokens.languages import sentence
from tokens.models.key import SigningKey

logger = logging.getLogger(__name__)


def revived(revoked: Iterable[str], *, now: datetime) -> list[SigningKey]:
    """Return the keys that the audit journal has as revoked, but that are live in the database. Standbys come first.

    `revoked` has the kids of the revocations in the audit journal. A key is live if its row is neither revoked,
    cancelled nor withdrawn.
    """
    published = Q(withdraw_at=None) | Q(withdraw_at__gt=now)
    rows = SigningKey.objects.filter(published, kid__in=revoked, revoked_at=None, cancelled_at=None)
    return sorted(rows.select_related("ring"), key=lambda row: (row.signs_at is not None, row.kid))


def require_none(ring: str, *, now: datetime) -> None:
    """Raise Unsafe if the audit journal has the revocation of a key of `ring` that is live in the database."""
    revoked = journal.revoked_keys()
    for key in revived(revoked, now=now) if revoked else ():
        if key.ring.name == ring:
            raise Unsafe(
                sentence(
                    "{kid} was revoked at {at:%Y-%m-%d %H:%M:%S} UTC according to AUDIT_JOURNAL, but this database"
                    " was restored from an earlier backup: run manage.py after_restore",
                    kid=key.kid,
                    at=revoked[key.kid],
                )
            )


def as_revoked(row: StoredKey, revoked: Mapping[str, datetime]) -> StoredKey:
    """Return `row` unchanged, or with its key marked as revoked if the revocation of this key was lost.

    Logs an error if the revocation was lost.

    `revoked` has the instants of the revocations in the audit journal, by kid.
    """
    at = revoked.get(row.key.kid)
    if at is None or row.key.revoked_at is not None:
        return row
    logger.error("Signing key %s is revoked in AUDIT_JOURNAL: run manage.py after_restore", row.key.kid)
    return replace(row, key=replace(row.key, revoked_at=at))
