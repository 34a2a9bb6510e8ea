"""Creates the account of a visitor who signs up.

- The caller has verified that the visitor can read the mail of the e-mail address.
- The username is derived from the address. A form that asked for a username would reveal which usernames exist.
"""

from datetime import datetime

from allauth.account.adapter import get_adapter
from allauth.account.models import EmailAddress
from django.db import IntegrityError, transaction

from tokens.account import address_owner
from tokens.audit import trail
from tokens.models import User


class AddressTaken(Exception):
    """A user has the e-mail address already."""


def create(email: str, password: str, *, now: datetime) -> User:
    """Create a user with this verified e-mail address and password, and record the sign-up.

    `email` is in lower case. `now` is the database's clock. Raises AddressTaken if a user has the address already.
    """
    if address_owner.is_taken(email):
        raise AddressTaken("there is an account by now")
    name = get_adapter().generate_unique_username([email.partition("@")[0], "user"])
    try:
        return _store(name, email, password, now=now)
    except IntegrityError as error:  # another tab followed the same link at the same time
        raise AddressTaken("there is an account by now") from error


@transaction.atomic
def _store(name: str, email: str, password: str, *, now: datetime) -> User:
    """Insert the user, the verified address and the audit event. Raises IntegrityError if name or address is taken."""
    user = User.objects.create_user(name, email=email, password=password)
    EmailAddress.objects.create(user=user, email=email, verified=True, primary=True)
    actor = f"user:{user.get_username()}"
    trail.record("user.signed_up", actor=actor, subject=actor, details={}, now=now)
    return user
