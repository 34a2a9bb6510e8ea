"""Says if a user's e-mail address is verified, and verifies it for an administrator who knows that it is theirs."""

from allauth.account.models import EmailAddress
from django.db import IntegrityError, transaction

from tokens import login
from tokens.models import User

CHANGED = "The user has another e-mail address by now. Look at it before you verify it."
TAKEN = "Another user has this e-mail address, verified. Applications would take the two for one."


class CannotVerify(Exception):
    """The address cannot be verified; the message may be shown."""


def is_verified(user: User) -> bool:
    """True if the user, or an administrator for them, verified the e-mail address that the user has now."""
    return EmailAddress.objects.filter(user=user, email__iexact=user.email, verified=True).exists()


def verify(user: User, address: str) -> bool:
    """Verify the e-mail address of `user`, which the administrator saw as `address`. Returns False if it was verified.

    Raises CannotVerify if the user has another address by now or none, or another user verified the same.
    """
    with transaction.atomic():
        kept = User.objects.select_for_update(no_key=True).get(pk=user.pk)  # its address stays what it is meanwhile
        if not address or kept.email != address:
            raise CannotVerify(CHANGED)
        if is_verified(kept):
            return False
        _refuse_taken(kept)
        _save_verified(kept)
        return True


def _refuse_taken(user: User) -> None:
    same = EmailAddress.objects.filter(login.spelled("email", user.email), verified=True).exclude(user=user)
    if any(login.folded(one.email) == login.folded(user.email) for one in same):
        raise CannotVerify(TAKEN)


def _save_verified(user: User) -> None:
    own = EmailAddress.objects.filter(user=user)
    row = own.filter(email__iexact=user.email).first() or EmailAddress(user=user, email=user.email)
    row.verified = True
    row.primary = row.primary or not own.filter(primary=True).exists()
    row.clean()
    try:
        with transaction.atomic():
            row.save()
    except IntegrityError as error:  # another administrator verified it for another user at this moment
        raise CannotVerify(TAKEN) from error
