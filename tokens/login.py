"""Step 1. A user logs in, at the issuer and nowhere else.

django-allauth does the logging in; here is who may, and what of allauth is closed. Owns no token: the login only says
who, when and how.
"""

import unicodedata
from typing import Any

from allauth.account.adapter import DefaultAccountAdapter
from allauth.account.models import EmailAddress
from django.contrib.auth.backends import ModelBackend
from django.db.models import Value
from django.db.models.functions import Upper
from django.db.models.lookups import In
from django.http import HttpRequest

from tokens.limits import password_slots
from tokens.models import User

LONGEST_NAME = 256


class ClosedSignup(DefaultAccountAdapter):
    """Users are made in the admin; nobody signs up."""

    def is_open_for_signup(self, _request: HttpRequest) -> bool:
        """Never."""
        return False

    def add_message(self, *_args: Any, **_kwargs: Any) -> None:
        """Add no message: the issuer's pages show none, the admin's would show it to the browser's next user."""

    def is_safe_url(self, url: str | None) -> bool:
        """Whether a login may lead to `url`; what cannot be read leads nowhere, where allauth would break on it."""
        try:
            return bool(super().is_safe_url(url or ""))
        except ValueError:
            return False


class PasswordBackend(ModelBackend):
    """Knows users by name or by mail, on the login page and the admin's, in one time for everybody."""

    def authenticate(
        self,
        request: HttpRequest | None,  # noqa: ARG002 (what Django hands over)
        username: str | None = None,
        password: str | None = None,
        email: str | None = None,
        **_: Any,
    ) -> User | None:
        """Return the active user with this name and password, or None.

        Hashes one password for any name, so that timing tells neither which names exist nor what is wrong.
        Raises Busy, before it looks for the user, if too many passwords are being hashed.
        """
        named = username or email
        if not named or password is None:
            return None
        with password_slots.bound().slot():
            user = find(named, mail=email or named)
            if user is None:
                User().set_password(password)
                return None
            right = user.check_password(password)
        return user if right and self.user_can_authenticate(user) else None


def find(name: str, *, mail: str) -> User | None:
    """The user of this name, else the one active user of this mail; the same statements are run in every case."""
    named = [user for user in User.objects.filter(spelled("username", name)) if folded(user.username) == folded(name)]
    active, of_mail = User.objects.filter(is_active=True), spelled("email", mail)
    proven = EmailAddress.objects.filter(of_mail, verified=True, user__is_active=True).select_related("user")
    holders = [(user, user.email) for user in active.filter(of_mail)]
    holders += [(address.user, address.email) for address in proven]
    owners = list({user.pk: user for user, address in holders if folded(address) == folded(mail)}.values())
    same = [user for user in named if user.username == name]
    same = same or [user for user in named if normalized(user.username) == normalized(name)]
    candidates = same or named or owners
    return candidates[0] if len(candidates) == 1 else None


def spelled(field: str, name: str) -> In:
    """Return the condition that `field` holds `name` in one of its spellings, in any case.

    What is stored may be composed, as Django normalizes names, or decomposed, as it keeps e-mail addresses.
    """
    spellings = (normalized(name), unicodedata.normalize("NFD", normalized(name)), name)
    return In(Upper(field), [Upper(Value(one)) for one in spellings])  # one scan of the index on UPPER(field)


def normalized(name: str) -> str:
    """Return `name` in the spelling in which Django stores names (NFKC), without surrounding blanks."""
    return unicodedata.normalize("NFKC", name.strip()[:LONGEST_NAME])


def folded(name: str) -> str:
    """What two spellings of one name have in common: letters that only look another way, capitals, blanks around."""
    return normalized(name).casefold()
