"""Encrypts stored secrets of second factors again, under the first of KEY_ENCRYPTION_KEYS."""

from allauth.mfa.models import Authenticator
from django.db import models, transaction

from tokens import conf
from tokens.factors import secret_text
from tokens.factors.secret_text import CannotDecrypt

MEMBERS = {"totp": "secret", "recovery_codes": "seed"}
"""The encrypted member of a factor's data, by the type of the factor. Passkeys have only public keys."""
BATCH = 500


def renew() -> tuple[int, int]:
    """Encrypt each secret again, unless it is encrypted under the first of KEY_ENCRYPTION_KEYS.

    Returns the number of secrets that were encrypted again, and the number of secrets that do not decrypt.
    """
    renewed, lost = 0, 0
    last = 0
    while keys := list(_after(last).values_list("pk", flat=True)[:BATCH]):
        for pk in keys:
            done = _renew(pk)
            renewed, lost = renewed + (done is True), lost + (done is None)
        last = keys[-1]
    return renewed, lost


def _after(pk: int) -> "models.QuerySet[Authenticator]":
    return Authenticator.objects.filter(type__in=MEMBERS, pk__gt=pk).order_by("pk")


@transaction.atomic
def _renew(pk: int) -> bool | None:
    """Encrypt the secret in row `pk` again, unless it is encrypted under the first of KEY_ENCRYPTION_KEYS.

    Returns True if the secret was encrypted again, False if there was no need, None if it does not decrypt.
    """
    keys = conf.issuer().encryption_keys()
    # Locked: a code that is spent at the same moment writes the same column.
    row = Authenticator.objects.select_for_update().filter(pk=pk).first()
    member = MEMBERS.get(row.type, "") if row else ""
    if row is None or member not in row.data or secret_text.is_current(row.data[member], keys=keys):
        return False
    try:
        row.data[member] = secret_text.seal(secret_text.unseal(row.data[member], keys=keys), keys=keys)
    except CannotDecrypt:
        return None
    row.save(update_fields=["data"])
    return True
