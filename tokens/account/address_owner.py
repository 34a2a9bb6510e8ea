"""Finds the users to whom a given e-mail address belongs.

Mail to an address goes to these users, and a new account must not have the address of one of them. The caller passes
the address in lower case, the spelling in which accounts are looked up.
"""

from allauth.account.internal.userkit import filter_users_by_email

from tokens import login
from tokens.models import User


def is_taken(email: str, *, except_sub: str = "") -> bool:
    """Return True if a user has the e-mail address. Ignores the user whose `sub` is `except_sub`."""
    return any(str(user.sub) != except_sub for user in filter_users_by_email(email))


def recipients(email: str) -> list[tuple[User, str]]:
    """Return the active users who have the e-mail address, each with the address to which to send mail.

    The address to send to has capitals if an administrator stored it with capitals.
    """
    if users := filter_users_by_email(email, is_active=True, prefer_verified=True, for_login=True):
        return [(user, email) for user in users]
    # An administrator can store an address with capitals, which allauth does not find.
    stored = User.objects.filter(login.spelled("email", email), is_active=True)
    return [(user, user.email) for user in stored if user.email.lower() == email]
