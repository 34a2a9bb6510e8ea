"""Step 1. A user logs in at the issuer. Applications never see the password.

- django-allauth shows the login pages and keeps the session. This module authenticates users by password.
- A user logs in with a username or an e-mail address, in any spelling that is equal in NFKC without regard to case.
- If several usernames match, the one in exactly the typed spelling is used, else the one that is equal in NFKC. If
  several users still match, the login is refused.
- A login runs the same SQL statements and one password hash whether or not the user exists, so that timing does not
  reveal which users exist.
"""

import unicodedata
from typing import Any

from allauth.account.models import EmailAddress
from django.contrib.auth.backends import ModelBackend
from django.db.models import Value
from django.db.models.functions import Upper
from django.db.models.lookups import In
from django.http import HttpRequest

from tokens.limits import password_slots
from tokens.models import User

LONGEST_NAME = 256


class PasswordBackend(ModelBackend):
    """Authenticates users by password, on the login page and in the admin. The name is a username or e-mail address."""

    def authenticate(
        self,
        request: HttpRequest | None,  # noqa: ARG002 (what Django hands over)
        username: str | None = None,
        password: str | None = None,
        email: str | None = None,
        **_: Any,
    ) -> User | None:
        """Return the active user with this password and this username or e-mail address, or None.

        Raises Busy if too many passwords are being hashed.
        """
        name = username or email
        if not name or password is None:
            return None
        # The slot is taken before the user is looked up, so that a refusal does not reveal if the user exists.
        with password_slots.bound().slot():
            user = find(name, mail=email or name)
            if user is None:
                User().set_password(password)  # hash once, as for a user who exists: timing reveals no names
                return None
            is_right = user.check_password(password)
        return user if is_right and self.user_can_authenticate(user) else None


def find(name: str, *, mail: str) -> User | None:
    """Return the user with the username `name`, else the active user with the e-mail address `mail`.

    The address can be the user's own, or a further address that the user verified. Returns None if no user or several
    users match.
    """
    # All three statements run in every case, so that timing does not reveal if the username exists.
    by_name = [user for user in User.objects.filter(spelled("username", name)) if folded(user.username) == folded(name)]
    active, has_address = User.objects.filter(is_active=True), spelled("email", mail)
    verified = EmailAddress.objects.filter(has_address, verified=True, user__is_active=True).select_related("user")
    pairs = [(user, user.email) for user in active.filter(has_address)]
    pairs += [(address.user, address.email) for address in verified]
    by_mail = list({user.pk: user for user, address in pairs if folded(address) == folded(mail)}.values())
    exact = [user for user in by_name if user.username == name]
    exact = exact or [user for user in by_name if normalized(user.username) == normalized(name)]
    candidates = exact or by_name or by_mail
    return candidates[0] if len(candidates) == 1 else None


def spelled(field: str, name: str) -> In:
    """Return a query condition: `field` equals `name` in any Unicode spelling and case."""
    # Django stores usernames composed (NFKC), and e-mail addresses as they were typed, which can be decomposed (NFD).
    spellings = (normalized(name), unicodedata.normalize("NFD", normalized(name)), name)
    # One `In` instead of three conditions: PostgreSQL scans the index on UPPER(field) once.
    return In(Upper(field), [Upper(Value(spelling)) for spelling in spellings])


def normalized(name: str) -> str:
    """Return `name` in NFKC, the form in which Django stores usernames, without surrounding blanks.

    Cuts the name to LONGEST_NAME characters.
    """
    # Cut first: normalizing takes time that grows with the text, which the sender chooses.
    return unicodedata.normalize("NFKC", name.strip()[:LONGEST_NAME])


def folded(name: str) -> str:
    """Return `name` in NFKC, casefolded and stripped, for case-insensitive comparison."""
    return normalized(name).casefold()
