"""Resolve the scopes and the API of a client's request, for the authorization and the token endpoint."""

from collections.abc import Collection, Sequence

from django.db.models import prefetch_related_objects

from tokens import conf
from tokens.issued import audience
from tokens.issued.audience import Target
from tokens.models import Client, GrantType, Scope


def target(client: Client, scopes: Sequence[str], resources: Sequence[str], *, openid: bool) -> Target:
    """What `client` asks for, with `openid` in a user's name; raises OAuthError invalid_scope and invalid_target."""
    prefetch_related_objects([client], "scopes__api", "apis")  # nothing, where the registry remembered the client
    allowed = client.scopes.all()
    if openid and "openid" in scopes:
        scopes = understood(scopes, known={scope.name for scope in allowed})
    offline = GrantType.REFRESH_TOKEN in client.grants
    names = [name for name in audience.OPENID if openid and (offline or name != audience.OFFLINE)]
    return audience.resolve(
        scopes, resources, allowed=allowed, openid=names, issuer=conf.issuer().url, further=client.apis.all()
    )


def understood(scopes: Sequence[str], *, known: Collection[str]) -> list[str]:
    """Return `scopes` without those that neither an API nor this issuer defines (OpenID Connect Core 3.1.2.1).

    `known` are names of scopes that need no look-up. A scope of an API stays, so that a client that may not use it
    gets an error.
    """
    known = {*known, *audience.OPENID}
    unknown = set(scopes) - known
    belong = set(Scope.objects.filter(name__in=unknown).values_list("name", flat=True)) if unknown else set()
    return [name for name in scopes if name in known or name in belong]
