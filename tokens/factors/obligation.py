"""Computes which authentication context class the operator requires of a user, for a client or for the admin.

- SECOND_FACTOR_GROUPS is a list of groups. Their members need a second factor for every client and for the admin.
- If SECOND_FACTOR_STAFF is on, staff users need a second factor for every client and for the admin.
- A client's `required_class` applies to every user of that client.

The strongest requirement applies. It is checked at each authorization and at each page of the admin, not at the login.
So a user without a factor can log in to set one up, but cannot do anything else.
"""

from tokens import conf
from tokens.authentication_class import MULTI_FACTOR, strongest
from tokens.models import Client, User


def of_user(user: User) -> str:
    """Return the authentication context class that the user's login needs for the admin and for every client.

    Returns "" if the operator requires none.
    """
    settings = conf.issuer()
    if settings.second_factor_staff and user.is_staff:
        return MULTI_FACTOR
    groups = settings.second_factor_groups
    return MULTI_FACTOR if groups and user.groups.filter(name__in=groups).exists() else ""


def of(user: User, client: Client) -> str:
    """Return the authentication context class that the user's login needs for the client, or "" if none is required."""
    return strongest((of_user(user), client.required_class or ""))
