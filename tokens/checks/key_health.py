"""Check the key rings and KEY_ENCRYPTION_KEYS, for `keys --check`, the system check `key` and the admin's dashboard.

Each problem names its remedy. The checks establish, in this order:
1. The timings of the settings are consistent (`keys.rules.inequalities`).
2. There is at least one key ring.
3. `ring_health` finds no problem of any key ring.
4. All live client secrets are hashed under the first encrypting key.
5. The database is not a restored backup: it has the events of AUDIT_JOURNAL, and is not older than the newest state
   that processes recorded in Redis.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from tokens.audit import journal
from tokens.checks import ring_health
from tokens.clients import client_secret
from tokens.encryption import EncryptionKey
from tokens.keys import lost_revocation, store
from tokens.keys.rules.inequalities import problems as policy_problems
from tokens.keys.rules.policy import Policy
from tokens.languages import sentence
from tokens.models.key import Ring
from tokens.revoking import high_water

LOST = sentence(
    "KEY_ENCRYPTION_KEYS does not hold that key, so that these clients cannot authenticate: put"
    " its value back after the first one, or give them other secrets (manage.py client_secret)"
)
FORMER = sentence(
    "do not drop that value of KEY_ENCRYPTION_KEYS yet: each is hashed under the first one when"
    " it is next used; replace or revoke those that are not (manage.py client_secret list)"
)
RESTORED = sentence("it was restored from a backup: run manage.py after_restore")


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """A problem that an operator has to correct, or a note about a change that is under way."""

    code: str
    """One of:

    - the settings: `policy`, `no_key`, `clock`
    - a ring: `no_signer`, `no_standby`, `overdue`
    - a row: `cannot_open`, `not_genuine`, `not_vouched`
    - a revoked key: `flush` until its flush has happened (a note), `no_flush` if no flush is planned
    - the hashes of client secrets: `lost_secrets`, `former_key` (a note)
    - a restored database: `went_back`, or `journal` if AUDIT_JOURNAL cannot be read
    """
    ring: str
    message: str
    """Cause and remedy."""

    @property
    def closed(self) -> bool:
        """Return True if the problem is a row that does not verify, or a private half that does not decrypt."""
        return self.code in ("cannot_open", "not_genuine")

    @property
    def waits(self) -> bool:
        """Return True if the problem is only a note about a change that is under way."""
        return self.code in ("former_key", "flush")


def check(*, policy: Policy, encryption_keys: Sequence[EncryptionKey], now: datetime) -> list[Problem]:
    """Return every problem of the settings, key rings, client secrets and audit journal, and of a restored database.

    `now` is the time by this node's clock. If this clock differs too much from the database's, that is a problem, too.
    """
    problems = [Problem(code="policy", ring="", message=message) for message in policy_problems(policy)]
    rings = list(Ring.objects.order_by("name"))
    if not rings:
        problems.append(
            Problem(code="no_key", ring="default", message=sentence("there is no key yet: run manage.py rotate_keys"))
        )
    for ring in rings:
        ring_problems = ring_health.problems(ring, encryption_keys, now)
        problems += [Problem(code=code, ring=ring.name, message=text) for code, text in ring_problems]
    problems += [Problem(code=code, ring="", message=text) for code, text in _secrets(encryption_keys, now)]
    problems += [Problem(code=code, ring="", message=text) for code, text in _journal()]
    if older := high_water.report(now=now):
        problems.append(Problem(code="went_back", ring="", message=older))
    return problems


def _secrets(keys: Sequence[EncryptionKey], now: datetime) -> Iterator[tuple[str, str]]:
    """Yield a problem (code, message) for each encrypting key under which live client secrets are hashed.

    `keys` are those of KEY_ENCRYPTION_KEYS. The code is `former_key` if the encrypting key is in `keys`, and
    `lost_secrets` if it is not. Yields nothing for the first of `keys`.
    """
    first, available = keys[0].id, {key.id for key in keys}
    for key_id, number in sorted(client_secret.live_by_key(now=now).items()):
        if key_id not in available:
            yield "lost_secrets", _counted(key_id, number, LOST)
        elif key_id != first:
            yield "former_key", _counted(key_id, number, FORMER)


def _counted(key_id: str, number: int, remedy: str) -> str:
    return sentence(
        "live client secrets hashed under {key_id}: {number}; {remedy}", key_id=key_id, number=number, remedy=remedy
    )


def _journal() -> Iterator[tuple[str, str]]:
    """Yield problems if the audit journal cannot be read, or shows that the database was restored."""
    try:
        revoked, lost = journal.revoked_keys(journal.entries()), journal.lost()
    except OSError as error:
        yield (
            "journal",
            sentence(
                "AUDIT_JOURNAL cannot be read ({problem}): whether this is a restored backup is unknown",
                problem=error.strerror,
            ),
        )
        return
    for key in lost_revocation.revived(revoked, now=store.database_now()):
        yield (
            "went_back",
            sentence(
                "{kid} is revoked in AUDIT_JOURNAL, but not in this database; {remedy}",
                kid=key.kid,
                remedy=RESTORED,
            ),
        )
    if lost is not None:
        yield (
            "went_back",
            sentence(
                "this database lacks the newest event of AUDIT_JOURNAL, {lost}; {remedy}", lost=lost, remedy=RESTORED
            ),
        )
