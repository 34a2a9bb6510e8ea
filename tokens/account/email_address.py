"""Changes and verifies the e-mail address of a user. Each change is stored in one transaction with its audit event.

`email_proof` decides whether an address can be verified for a user.
"""

from datetime import datetime

from allauth.account.models import EmailAddress
from django.db import transaction

from tokens import email_proof
from tokens.audit import trail
from tokens.models import User

VERIFIED = "user.email_verified"
"""The audit event of an address that was verified."""


def change(user: User, new: str, *, now: datetime) -> str:
    """Replace all e-mail addresses of the user by `new`, which the user has verified, and record the event.

    Returns the former address if it differs from `new` and is not empty, so that the caller can send a notice to it.
    Otherwise returns "". `now` is the database's clock. Raises CannotVerify, and stores nothing, if the address is
    verified for another user.
    """
    old = user.email
    with transaction.atomic():
        user.email = new
        user.save(update_fields=["email"])
        EmailAddress.objects.filter(user=user).exclude(email__iexact=new).delete()
        email_proof.verify(user, new)
        actor = f"user:{user.get_username()}"
        trail.record(VERIFIED, actor=actor, subject=actor, details={}, now=now)
    return "" if old == new else old


@transaction.atomic
def verify(user: User, address: str, *, actor: str, now: datetime) -> None:
    """Mark the user's e-mail address as verified at an administrator's request, and record the event.

    Records nothing if the address was verified before. `address` is the address that the administrator saw, and `actor`
    is the administrator's name in the audit trail. `now` is the database's clock. Raises CannotVerify in the cases of
    `email_proof.verify`.
    """
    if email_proof.verify(user, address):
        subject = f"user:{user.get_username()}"
        trail.record(VERIFIED, actor=actor, subject=subject, details={"email": address}, now=now)
