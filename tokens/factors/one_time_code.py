"""Checks the code of an authenticator app (TOTP, RFC 6238) and accepts each code once.

- A code is valid in its step of 30 seconds, and in the step before and after it (`TOLERANCE`).
- The row of the authenticator app stores the step of the last accepted code. A code of that step or of an earlier step
  is refused (RFC 6238 section 5.2). The row is locked during the check, so this holds for all processes together.
- allauth remembers used codes in the cache. This module uses the database instead, because each process can have a
  cache of its own.
"""

import hmac
import struct
from base64 import b32decode
from collections.abc import Iterator
from datetime import datetime

from allauth.mfa.models import Authenticator
from django.db import transaction

from tokens import conf
from tokens.factors import secret_text
from tokens.models import User

PERIOD = 30  # seconds
DIGITS = 6
TOLERANCE = 1
LAST_STEP = "last_step"


def spend(authenticator: Authenticator, code: str, *, now: datetime) -> bool:
    """Record the time step of `code` as used. Returns True, or False if the code is refused.

    The code is refused if it is not valid at `now`, or if a code of the same or a later time step was accepted before.
    If the code is accepted and the stored secret is not encrypted under the first of KEY_ENCRYPTION_KEYS, also encrypts
    the secret again, under that key. Raises secret_text.CannotDecrypt if the stored secret does not decrypt.
    """
    with transaction.atomic():
        row = Authenticator.objects.select_for_update().filter(pk=authenticator.pk).first()
        if row is None:  # the user removed the authenticator at the same moment
            return False
        keys = conf.issuer().encryption_keys()
        secret = secret_text.unseal(row.data["secret"], keys=keys)
        step = matching_step(secret, code, now=now)
        if step is None or step <= row.data.get(LAST_STEP, -1):
            return False
        row.data[LAST_STEP] = step
        if not secret_text.is_current(row.data["secret"], keys=keys):
            row.data["secret"] = secret_text.seal(secret, keys=keys)
        row.save(update_fields=["data"])
    return True


def mark_used(user: User, step: int) -> Authenticator:
    """Record `step` as the step of the last accepted code of the user's new authenticator app. Returns the app's row.

    Call this function after the app was set up, because `spend` did not check the code of the set-up.
    """
    row: Authenticator = Authenticator.objects.get(user=user, type=Authenticator.Type.TOTP)
    row.data[LAST_STEP] = step
    row.save(update_fields=["data"])
    return row


def matching_step(secret: str, code: str, *, now: datetime) -> int | None:
    """Return the time step that is valid at `now` and has the code `code`, or None if there is no such step.

    `secret` is base32. Blanks in `code` are ignored.
    """
    typed = "".join(code.split()).encode()
    matched_step = None
    for step in _steps(now):  # all of them, so that timing does not reveal which one matched
        if hmac.compare_digest(_code(secret, step).encode(), typed):
            matched_step = step
    return matched_step


def _steps(now: datetime) -> Iterator[int]:
    """Yield the time steps (of 30 seconds) whose codes are valid at `now`."""
    current = int(now.timestamp()) // PERIOD
    yield from range(current - TOLERANCE, current + TOLERANCE + 1)


def _code(secret: str, step: int) -> str:
    """Return the code of a time step (RFC 4226 section 5.3, HMAC-SHA-1)."""
    digest = hmac.digest(b32decode(secret, casefold=True), struct.pack(">Q", step), "sha1")
    start = digest[-1] & 0x0F
    number = int.from_bytes(digest[start : start + 4], "big") & 0x7FFFFFFF
    return f"{number % 10**DIGITS:0{DIGITS}}"
