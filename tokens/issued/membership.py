"""Limits scopes to members of groups (`Scope.groups`) whenever a token for a user is issued.

- A scope that the user may not have is removed from the request, and the token response names the granted scopes.
- If no scope of the API is left but `openid` is, the token is for the issuer, so that the user can still log in.
- If neither a scope of the API nor `openid` is left, the request is refused.
"""

from collections.abc import Iterable, Mapping

from django.contrib.auth.models import Group

from tokens import conf
from tokens.errors import OAuthError
from tokens.issued import audience
from tokens.issued.audience import Target
from tokens.models import Client, Scope

NO_MEMBER = "The user is in no group that may have the requested scopes."


class NotMember(OAuthError):
    """The user may have none of the requested scopes, because each is limited to groups without this user."""

    def __init__(self) -> None:
        super().__init__("invalid_scope", NO_MEMBER)


def narrow_for_client(target: Target, client: Client, subject: str) -> Target:
    """Remove from `target` the scopes that the user `subject` (a `sub`) may not have. Return the new target.

    `client` is the client that requested `target`. Raises the errors of `narrow`.
    """
    return narrow(target, client.permitted_scopes, subject)


def narrow(target: Target, usable: Iterable[Scope], subject: str) -> Target:
    """Return `target` without the scopes that the user `subject` (a `sub`) may not have.

    `usable` has the stored Scope rows, which name the groups. A scope of the API without a row in `usable` is removed,
    too. If all scopes of the API are removed but `openid` is left, returns a target for the issuer. If `openid` is not
    left either, raises NotMember. Sends no SQL statement if no scope is limited to groups.
    """
    rows = {scope.name: scope.groups for scope in usable if scope.name in target.scopes}
    without_api = set(audience.offered())
    limits = {name: set(groups) for name, groups in rows.items() if groups}
    own = _groups(subject, set().union(*limits.values())) if limits else set()
    remaining = tuple(name for name in target.scopes if _may_have(name, limits, own) and name in {*rows, *without_api})
    if remaining == target.scopes or not set(remaining) <= without_api:
        return Target(target.audience, remaining, target.api)
    if "openid" in remaining:
        return Target(conf.issuer().url, remaining, None)
    raise NotMember


def _may_have(name: str, limits: Mapping[str, set[str]], own: set[str]) -> bool:
    """Return True if the scope `name` is not limited to groups, or the user is in one of its groups.

    `limits` has the groups of each limited scope, and `own` the groups of the user.
    """
    return name not in limits or not own.isdisjoint(limits[name])


def _groups(subject: str, names: set[str]) -> set[str]:
    """Return the groups in `names` of which the user `subject` is a member now. Always queries the database."""
    return set(Group.objects.filter(user__sub=subject, name__in=names).values_list("name", flat=True))
