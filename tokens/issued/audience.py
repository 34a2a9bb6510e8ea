"""Which one API a token is for, and which scopes it may carry there."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

from tokens.errors import OAuthError
from tokens.models import Api, Scope

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
    """The audience of a token and its scopes; `api` is None where the audience is the issuer itself (userinfo)."""

    audience: str
    scopes: tuple[str, ...]
    api: Api | None


def resolve(
    asked: Sequence[str],
    resources: Sequence[str],
    *,
    allowed: Collection[Scope],
    openid: Collection[str],
    issuer: str,
    further: Iterable[Api] = (),
) -> Target:
    """The target of a request for `asked` scopes at `resources` (RFC 8707), of which the client may have `allowed`.

    `openid` are the scopes of OpenID Connect that it may have besides, `further` the APIs that it may ask a token for
    without a scope of theirs.

    Raises OAuthError invalid_target for several resources, for one that the client may not use, and where none is named
    and the scopes belong to no single API; then invalid_scope for a scope that is unknown, not the client's or not
    the API's, and where none is asked for.
    """
    scopes = tuple(dict.fromkeys(asked))
    without_scope = {api.identifier: api for api in further}
    usable = {scope.api.identifier: scope.api for scope in allowed} | without_scope
    named = _named(resources, {*usable, *([issuer] if openid else [])})
    if named in without_scope and set(scopes) <= set(openid):
        return Target(named, scopes, without_scope[named])
    owners = _owners(scopes, allowed=allowed, openid=openid)
    api = _only(owners) if named is None else usable.get(named)
    if any(owner != api for owner in owners):
        raise OAuthError("invalid_scope", "A scope does not belong to the resource that was asked for.")
    if named is not None and api is not None and not owners:
        raise OAuthError("invalid_scope", "No scope of the resource was asked for.")
    return Target(api.identifier if api else issuer, scopes, api)


def _owners(scopes: Sequence[str], *, allowed: Collection[Scope], openid: Collection[str]) -> list[Api]:
    """The API of each scope that is not OpenID's own."""
    known = {scope.name: scope.api for scope in allowed}
    if not scopes:
        raise OAuthError("invalid_scope", "Name at least one scope.")
    if any(name not in known and name not in openid for name in scopes):
        raise OAuthError("invalid_scope", "A scope is unknown, or this client may not ask for it.")
    require_sense(scopes)
    return [known[name] for name in scopes if name in known]


def require_sense(scopes: Collection[str]) -> None:
    """Raise OAuthError invalid_scope for scopes of OpenID Connect that are nothing without another one."""
    if "openid" not in scopes and not ABOUT_THE_USER.isdisjoint(scopes):
        raise OAuthError("invalid_scope", "The scopes profile and email come with openid.")
    if set(scopes) == {OFFLINE}:
        raise OAuthError("invalid_scope", "The scope offline_access comes with another one.")


def _named(resources: Sequence[str], usable: Collection[str]) -> str | None:
    """The one resource that is named; None where none is."""
    named = set(resources)
    if len(named) > 1:
        raise OAuthError("invalid_target", "A token is for one resource; ask for a token each.")
    if not named <= set(usable):
        raise OAuthError("invalid_target", "The resource is unknown, or this client may not use it.")
    return next(iter(named), None)


def _only(owners: Sequence[Api]) -> Api | None:
    if len(set(owners)) > 1:
        raise OAuthError("invalid_target", "The scopes belong to several APIs; name one as the resource.")
    return owners[0] if owners else None
