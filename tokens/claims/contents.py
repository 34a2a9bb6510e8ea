"""The claims of an access token, an ID token and a userinfo answer, beyond those of the protocol.

The sources of these claims:

- Userinfo: the granted scopes, the member `userinfo` of the `claims` parameter, and the claims hook (`hook`).
- ID token: the member `id_token` of the `claims` parameter, and the hook. The granted scopes count only if the access
  token is for an API, or if the client's switch `claims_in_id_token` is on.
- Access token: the hook. If the scope `groups` is granted and the API's switch `gets_groups` is on, also the claim
  `groups`.
"""

from collections.abc import Collection, Mapping
from typing import Any

from tokens.claims import claims_request, group_names, hook, names, source
from tokens.claims.claims_request import ClaimsRequest, RequestedClaim
from tokens.claims.hook import ClaimsContext
from tokens.models import User, UserGrant

GROUPS = "groups"


def of_access_token(context: ClaimsContext) -> dict[str, Any]:
    """Return the claim `groups`, if the API and the scopes permit it, and the claims that the claims hook adds.

    Raises ClaimsFailed if the hook fails.
    """
    user, api = context.user, context.api
    own: dict[str, Any] = {}
    if user is not None and api is not None and api.gets_groups and GROUPS in context.scopes:
        own = {GROUPS: group_names.of_user(user)}
    return own | hook.added(context)


def of_id_token(context: ClaimsContext, user_grant: UserGrant) -> dict[str, Any]:
    """Return the claims about the user, and the claims of the hook, for an ID token under `user_grant`.

    Raises ClaimsFailed if a claim cannot be computed.
    """
    with_scopes = context.api is not None or bool(context.client.claims_in_id_token)
    requested = _requested(user_grant).id_token
    if with_scopes or requested:
        scopes = context.scopes if with_scopes else frozenset()
        return of_user(user_grant.user, scopes, requested) | hook.added(context)
    return hook.added(context)


def of_userinfo(context: ClaimsContext, user_grant: UserGrant) -> dict[str, Any]:
    """Return the claims about the user, and the claims of the hook, for userinfo under `user_grant`. Omits `sub`.

    Raises ClaimsFailed if a claim cannot be computed.
    """
    return of_user(user_grant.user, context.scopes, _requested(user_grant).userinfo) | hook.added(context)


def of_user(user: User, scopes: Collection[str], requested: Mapping[str, RequestedClaim]) -> dict[str, Any]:
    """Return the values of the claims that `scopes` grant or that `requested` names.

    Omits a claim without a value, and a requested claim whose value the client does not accept. Raises ClaimsFailed if
    a claim cannot be computed.
    """
    supported = source.supported()
    granted = names.of_scopes(scopes)
    needed = [name for name in supported if name in granted or name in requested]
    values = source.values(user, [name for name in needed if name != GROUPS])
    if GROUPS in needed:
        values[GROUPS] = group_names.of_user(user)
    return {name: value for name, value in values.items() if name in granted or requested[name].accepts(value)}


def _requested(user_grant: UserGrant) -> ClaimsRequest:
    if user_grant.claims is None:
        return claims_request.NOTHING
    return claims_request.read(user_grant.claims, supported=source.supported())
