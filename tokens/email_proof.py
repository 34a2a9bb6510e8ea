"""Checks if a user's e-mail address is verified, and marks the address as verified if an administrator says so.

- An address, in any spelling, can be verified for only one user: applications identify users by verified addresses.
- An administrator verifies the address that the page showed. If the user changed the address after that, `verify` marks
  neither the old nor the new address.
"""

from allauth.account.models import EmailAddress
from django.db import IntegrityError, transaction

from tokens import login
from tokens.languages import sentence
from tokens.models import User

CHANGED = sentence(
    "The e-mail address is not the address that this page showed. Check the new address, then verify it."
)
TAKEN = sentence("Another user has verified this e-mail address. Applications could not distinguish the two users.")


class CannotVerify(Exception):
    """The user's e-mail address cannot be verified. The message may be shown to the administrator."""


def is_verified(user: User) -> bool:
    """Return True if the user's current e-mail address was verified, by the user or an administrator."""
    return EmailAddress.objects.filter(user=user, email__iexact=user.email, verified=True).exists()


def verify(user: User, address: str) -> bool:
    """Mark the user's e-mail address as verified. Returns False if it is verified already.

    `address` is the address that the administrator saw. Raises CannotVerify if the user's address is empty or differs
    from `address`, or if the same address is verified for another user.
    """
    with transaction.atomic():
        # Locked: the address cannot change before it is verified.
        locked = User.objects.select_for_update(no_key=True).get(pk=user.pk)
        if not address or locked.email != address:
            raise CannotVerify(CHANGED)
        if is_verified(locked):
            return False
        _refuse_taken(locked)
        _save_verified(locked)
        return True


def _refuse_taken(user: User) -> None:
    verified = EmailAddress.objects.filter(login.spelled("email", user.email), verified=True).exclude(user=user)
    # UPPER of the database can match more than `folded`: it depends on the collation.
    if any(login.folded(other.email) == login.folded(user.email) for other in verified):
        raise CannotVerify(TAKEN)


def _save_verified(user: User) -> None:
    """Save the user's address as verified. Make it the primary address if the user has no primary address.

    Raises CannotVerify if another administrator verified the same address for another user at the same time.
    """
    own = EmailAddress.objects.filter(user=user)
    row = own.filter(email__iexact=user.email).first() or EmailAddress(user=user, email=user.email)
    row.verified = True
    row.primary = row.primary or not own.filter(primary=True).exists()
    row.clean()
    try:
        with transaction.atomic():
            row.save()
    except IntegrityError as error:  # another administrator verified it for another user at the same time
        raise CannotVerify(TAKEN) from error
