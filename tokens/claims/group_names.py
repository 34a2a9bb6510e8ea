"""The claim `groups`: the groups of a user that GROUPS_CLAIM names (RFC 9068 section 2.2.3.1)."""

from tokens import conf
from tokens.models import User


def of_user(user: User) -> list[str]:
    """Return the user's groups that tokens may name, in alphabetical order."""
    chosen = user.groups.filter(name__in=conf.issuer().groups_claim)
    return list(chosen.order_by("name").values_list("name", flat=True))
