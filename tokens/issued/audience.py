"""The target of a token: its one API, and the scopes that it may carry there (RFC 8707, RFC 6749 section 3.3).

- A token is for one audience: an API, or the issuer itself (userinfo).
- If the request names no resource, its scopes must belong to one API.
- If it names one, every scope must belong to that API or to OpenID Connect.
- A client may request a token without a scope only for an API that it is registered for (`without_scope`).
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

from django.db.models import prefetch_related_objects

from tokens import conf
from tokens.errors import OAuthError
from tokens.models import Api, Client, GrantType, Scope

OPENID = {
    "openid": "Know who you are",
    "profile": "Read your name",
    "email": "Read your e-mail address",
    "offline_access": "Stay connected while you are away",
}
OFFLINE = "offline_access"
ABOUT_THE_USER = frozenset({"profile", "email"})


@dataclass(frozen=True, slots=True)
class Target:
    """The audience of a token and its scopes; `api` is None if the audience is the issuer itself (userinfo)."""

    audience: str
    scopes: tuple[str, ...]
    api: Api | None


def of_client(client: Client, scopes: Sequence[str], resources: Sequence[str], *, openid: bool) -> Target:
    """Return the target of a client's request; `openid` is True if a user may allow it.

    Raises OAuthError invalid_scope and invalid_target.
    """
    if openid:  # else the client was authenticated, and the registry read all of this with it
        prefetch_related_objects([client], "scopes__api", "apis")
    usable, names = client.permitted_scopes, list[str]()
    if openid:
        offline = GrantType.REFRESH_TOKEN in client.grants
        names = [name for name in OPENID if offline or name != OFFLINE]
        if "openid" in scopes:
            scopes = understood(scopes, known={scope.name for scope in usable})
    further, issuer = client.permitted_apis, conf.issuer().url
    return resolve(scopes, resources, usable=usable, openid=names, issuer=issuer, further=further)


def understood(scopes: Sequence[str], *, known: Collection[str]) -> list[str]:
    """Return `scopes` without those that neither an API nor this issuer defines (OpenID Connect Core 3.1.2.1).

    `known` are names of scopes that need no look-up. A scope of an API stays, so that a client that may not use it
    gets an error.
    """
    known = {*known, *OPENID}
    unknown = set(scopes) - known
    defined = set(Scope.objects.filter(name__in=unknown).values_list("name", flat=True)) if unknown else set()
    return [name for name in scopes if name in known or name in defined]


def resolve(
    requested: Sequence[str],
    resources: Sequence[str],
    *,
    usable: Collection[Scope],
    openid: Collection[str],
    issuer: str,
    further: Iterable[Api] = (),
) -> Target:
    """Return the target of a request for the scopes `requested` at `resources` (RFC 8707).

    The client may use the scopes `usable`, the OpenID Connect scopes `openid`, and without a scope the APIs `further`.

    Raises OAuthError invalid_target for several resources, for one that the client may not use, and if none is named
    and the scopes belong to no single API; then invalid_scope for a scope that is unknown, not the client's or not
    the API's, and if no scope is requested.
    """
    scopes = tuple(dict.fromkeys(requested))
    without_scope = {api.identifier: api for api in further}
    apis = {scope.api.identifier: scope.api for scope in usable} | without_scope
    resource = _resource(resources, {*apis, *([issuer] if openid else [])})
    if resource in without_scope and set(scopes) <= set(openid):
        return Target(resource, scopes, without_scope[resource])
    owners = _owners(scopes, usable=usable, openid=openid)
    api = _only(owners) if resource is None else apis.get(resource)
    if any(owner != api for owner in owners):
        raise OAuthError("invalid_scope", "A scope does not belong to the resource that was asked for.")
    if resource is not None and api is not None and not owners:
        raise OAuthError("invalid_scope", "No scope of the resource was asked for.")
    return Target(api.identifier if api else issuer, scopes, api)


def _owners(scopes: Sequence[str], *, usable: Collection[Scope], openid: Collection[str]) -> list[Api]:
    """Return the API of each scope that is not OpenID Connect's. Raises OAuthError invalid_scope."""
    apis = {scope.name: scope.api for scope in usable}
    if not scopes:
        raise OAuthError("invalid_scope", "Name at least one scope.")
    if any(name not in apis and name not in openid for name in scopes):
        raise OAuthError("invalid_scope", "A scope is unknown, or this client may not ask for it.")
    require_sense(scopes)
    return [apis[name] for name in scopes if name in apis]


def require_sense(scopes: Collection[str]) -> None:
    """Raise OAuthError invalid_scope for OpenID Connect scopes that have no meaning without another scope."""
    if "openid" not in scopes and not ABOUT_THE_USER.isdisjoint(scopes):
        raise OAuthError("invalid_scope", "The scopes profile and email come with openid.")
    if set(scopes) == {OFFLINE}:
        raise OAuthError("invalid_scope", "The scope offline_access comes with another one.")


def _resource(resources: Sequence[str], usable: Collection[str]) -> str | None:
    """Return the one resource that the request names, or None. Raises OAuthError invalid_target."""
    names = set(resources)
    if len(names) > 1:
        raise OAuthError("invalid_target", "A token is for one resource; ask for a token each.")
    if not names <= set(usable):
        raise OAuthError("invalid_target", "The resource is unknown, or this client may not use it.")
    return next(iter(names), None)


def _only(owners: Sequence[Api]) -> Api | None:
    if len(set(owners)) > 1:
        raise OAuthError("invalid_target", "The scopes belong to several APIs; name one as the resource.")
    return owners[0] if owners else None
