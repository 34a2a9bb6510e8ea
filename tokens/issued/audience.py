"""The target of a token: one API or the issuer, and the token's scopes there (RFC 8707, RFC 6749 section 3.3).

- A token is for one audience: an API, or the issuer itself (userinfo).
- If the request names no resource, its scopes must belong to one API.
- If the request names a resource, every scope must belong to that API or to OpenID Connect.
- A token without a scope is issued only for an API in `further`, the APIs for which the client's registration permits
  this.
- If the request names neither scope nor resource, the client must have exactly one API. The token has all of the
  client's scopes at this API.
- If the request names a resource but no scope, the token has the client's scopes at this API. But for an API in
  `further`, the token has no scope.
- The slash of an empty path makes no difference: `https://api.example` means `https://api.example/`. The audience of
  the token is the identifier as it is registered.
"""

import re
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

from django.db.models import prefetch_related_objects
from django.utils.translation import gettext_lazy

from tokens import conf
from tokens.addresses import spellings
from tokens.errors import OAuthError
from tokens.models import Api, Client, GrantType, Scope

OPENID = {
    "openid": gettext_lazy("Know who you are"),
    "profile": gettext_lazy("Read your name"),
    "email": gettext_lazy("Read your e-mail address"),
    "address": gettext_lazy("Read your postal address"),
    "phone": gettext_lazy("Read your phone number"),
    "groups": gettext_lazy("Read the groups that you belong to"),
    "offline_access": gettext_lazy("Stay connected while you are away"),
}
"""The scopes without an API, with their texts for users. `offered` returns those that this deployment supports."""
OFFLINE = "offline_access"
NAMEABLE = re.compile(r"[A-Za-z0-9:._/-]{1,64}")
"""A scope that an error may name. A longer scope, or a scope with other characters, is not repeated."""
REMEMBERED = 16
"""The number of targets to cache per client. Each order of the same scopes is an entry of its own."""
ABOUT_THE_USER = frozenset({"profile", "email", "address", "phone", "groups"})


@dataclass(frozen=True, slots=True)
class Target:
    """The audience of a token and its scopes; `api` is None if the audience is the issuer itself (userinfo)."""

    audience: str
    scopes: tuple[str, ...]
    api: Api | None


def of_client(client: Client, scopes: Sequence[str], resources: Sequence[str], *, openid: bool) -> Target:
    """Return the API and the scopes (the target) for which a client's request can get a token.

    `openid` is True if a user decides about the request. Then the request can have scopes of OpenID Connect. Raises the
    errors of `resolve`.
    """
    if openid:
        prefetch_related_objects([client], "scopes__api", "apis")
    # Else the client was authenticated. `registry` reads its scopes and APIs with it, and again after a change.
    elif client.targets is not None and client.registered_by is None:
        request = tuple(scopes), tuple(resources)
        target: Target = client.targets.get(request) or _of_client(client, scopes, resources, openid=False)
        if len(client.targets) < REMEMBERED:
            client.targets[request] = target
        return target
    return _of_client(client, scopes, resources, openid=openid)


def _of_client(client: Client, scopes: Sequence[str], resources: Sequence[str], *, openid: bool) -> Target:
    """Compute the target that `of_client` returns. Does not use the cache of targets, `client.targets`."""
    usable, names = client.permitted_scopes, list[str]()
    if openid:
        names = offered()
        if OFFLINE in scopes and len(scopes) > 1 and GrantType.REFRESH_TOKEN not in client.grants:
            scopes = [name for name in scopes if name != OFFLINE]  # OpenID Connect Core section 11: not an error
        if "openid" in scopes:
            scopes = understood(scopes, predefined={scope.name for scope in usable})
    further, issuer = client.permitted_apis, conf.issuer().url
    if not scopes:
        scopes = _defaults(resources, usable=usable, further=further)
        resources = resources or _one_api(usable, further)
    return resolve(scopes, resources, usable=usable, openid=names, issuer=issuer, further=further)


def _one_api(usable: Collection[Scope], further: Collection[Api]) -> list[str]:
    """Return a list with the API's identifier if the client may use exactly one API, else an empty list.

    A request that names neither scope nor resource is for this API. `usable` are the client's scopes, and `further` are
    the APIs for which the client may get a token without a scope.
    """
    identifiers = {scope.api.identifier for scope in usable} | {api.identifier for api in further}
    return list(identifiers) if len(identifiers) == 1 else []


def _defaults(resources: Sequence[str], *, usable: Collection[Scope], further: Collection[Api]) -> list[str]:
    """Return the scopes of a request without `scope`: the client's scopes at the API that the request is for.

    `usable` are the client's scopes. `further` are the APIs for which the client may get a token without a scope.
    Returns [] if the request names one of these APIs.
    """
    named = [spelling for resource in resources for spelling in spellings(resource)]
    if any(api.identifier in named for api in further):
        return []
    meant = named or _one_api(usable, further)
    return sorted(scope.name for scope in usable if scope.api.identifier in meant)


def offered() -> list[str]:
    """Return the OpenID Connect scopes that this deployment supports."""
    return [name for name in OPENID if name in conf.issuer().openid_scopes]


def understood(scopes: Sequence[str], *, predefined: Collection[str]) -> list[str]:
    """Return the entries of `scopes` that an API or this issuer defines (OpenID Connect Core section 3.1.2.1).

    Unknown scopes are left out. `resolve` checks later whether the client may use the returned scopes. The scopes in
    `predefined` count as defined, without a database query.
    """
    defined = {*predefined, *offered()}
    others = set(scopes) - defined
    stored = set(Scope.objects.filter(name__in=others).values_list("name", flat=True)) if others else set()
    return [name for name in scopes if name in defined or name in stored]


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

    The client may use the API scopes `usable` and the OpenID Connect scopes `openid`. For the APIs `further`, it may
    also get a token that has no scope. `issuer` is the issuer's URL, the resource of a token for userinfo.

    Raises:
        OAuthError invalid_target: `resources` names several resources, or a resource that the client may not use. Or
            `resources` is empty and the scopes belong to several APIs.
        OAuthError invalid_scope: A scope is unknown, forbidden for the client, or of another API. Or no scope of the
            API is named, or an OpenID Connect scope lacks the scope that must accompany it.
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
        others = [scope.name for scope in usable if scope.api != api and scope.name in scopes]
        raise refusal("{} does not belong to the requested resource.", others)
    if resource is not None and api is not None and not owners:
        raise OAuthError("invalid_scope", "No scope of the resource was requested.")
    return Target(api.identifier if api else issuer, scopes, api)


def _owners(scopes: Sequence[str], *, usable: Collection[Scope], openid: Collection[str]) -> list[Api]:
    """Return the API of each scope that is not of OpenID Connect.

    Raises OAuthError invalid_scope if there are no scopes, if a scope is unknown or forbidden for the client, or if
    an OpenID Connect scope lacks the scope that must accompany it.
    """
    apis = {scope.name: scope.api for scope in usable}
    if not scopes:
        raise OAuthError("invalid_scope", "Name at least one scope.")
    if refused := [name for name in scopes if name not in apis and name not in openid]:
        raise refusal("{} is unknown, or this client may not request it.", refused)
    require_sense(scopes)
    return [apis[name] for name in scopes if name in apis]


def refusal(text: str, scopes: Sequence[str]) -> OAuthError:
    """Return the error invalid_scope. Its description names the first of the refused `scopes` that matches NAMEABLE.

    `text` is the description, with {} at the place of the scope, such as "{} is unknown". If no scope matches NAMEABLE,
    the description says "A scope". The log always says "A scope".
    """
    # A client can send any text as a scope, and pages show the description: it must not repeat a sentence or long text.
    name = next((name for name in scopes if NAMEABLE.fullmatch(name)), None)
    reason = text.format("A scope")
    return OAuthError("invalid_scope", text.format(f"The scope {name}") if name else reason, reason=reason)


def require_sense(scopes: Collection[str]) -> None:
    """Raise OAuthError invalid_scope if an OpenID Connect scope is requested without a scope that must accompany it.

    Scopes about the user, such as `email`, require `openid`. `offline_access` requires at least one other scope.
    """
    if "openid" not in scopes and not ABOUT_THE_USER.isdisjoint(scopes):
        raise OAuthError("invalid_scope", "Scopes about the user, such as profile and email, come with openid.")
    if set(scopes) == {OFFLINE}:
        raise OAuthError("invalid_scope", "The scope offline_access comes with another one.")


def _resource(resources: Sequence[str], usable: Collection[str]) -> str | None:
    """Return the resource that the request names, or None.

    Raises OAuthError invalid_target if there are several resources, or the client may not use the resource.
    """
    names = {registered(resource, usable) for resource in resources}
    if len(names) > 1:
        raise OAuthError("invalid_target", "A token is for one resource; request a token for each.")
    if not names <= set(usable):
        raise OAuthError("invalid_target", "The resource is unknown, or this client may not use it.")
    return next(iter(names), None)


def registered(resource: str, identifiers: Collection[str]) -> str:
    """Return the identifier in `identifiers` that is the same URI as `resource`, or `resource` if there is none.

    `https://api.example` and `https://api.example/` are the same URI.
    """
    if resource in identifiers:
        return resource
    return next((identifier for identifier in spellings(resource) if identifier in identifiers), resource)


def _only(owners: Sequence[Api]) -> Api | None:
    if len(set(owners)) > 1:
        raise OAuthError("invalid_target", "The scopes belong to several APIs; name one as the resource.")
    return owners[0] if owners else None
