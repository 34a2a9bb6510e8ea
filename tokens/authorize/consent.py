"""Decide when a user must log in again, and when the user must be asked for consent.

- A user is not asked for consent if the client is the issuer's own and cannot be impersonated.
- A user is not asked again for the same scopes and claims if the client's setting `remembers_consent` is on and the
  redirect URI is https. In development, a setting permits a loopback address as well.
- In any other case, and always if the request has prompt=consent, the user is asked. No parameter of a request skips
  the question.
- prompt=login and prompt=select_account require a new login. So does max_age if the login is older than max_age.
"""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from django.contrib.auth.models import AnonymousUser
from django.db import transaction

from tokens import conf
from tokens.authorize import reauthentication
from tokens.authorize.request import AuthorizationRequest
from tokens.issued import membership
from tokens.issued.login import Login
from tokens.models import Client, Consent, User

LOG_IN = frozenset({"login", "select_account"})


def needs_login(request: AuthorizationRequest, query: str, login: Login, *, now: datetime) -> bool:
    """Return True if `prompt` or `max_age` of the request requires a new login (OIDC Core section 3.1.2.1).

    Returns False if the user has just logged in for this request.

    `query` is the query string of the request. After the issuer has sent the user to the login page, `query` also has
    a signed mark, by which `reauthentication` recognizes the new login.
    """
    if reauthentication.was_made(query, login, now=now):
        return False
    if request.prompt & LOG_IN or request.max_age == 0:
        return True
    return request.max_age is not None and now - login.at > timedelta(seconds=request.max_age)


def names_another_user(request: AuthorizationRequest, user: User) -> bool:
    """Return True if the request names another user than `user` (OIDC Core sections 3.1.2.2 and 5.5.1).

    A request names its user by `id_token_hint`, or by the claim `sub` in the parameter `claims`.
    """
    subject = str(user.sub)
    return request.subject not in {None, subject} or not request.claims.allows_subject(subject)


def narrowed(request: AuthorizationRequest, user: User) -> AuthorizationRequest:
    """Return the request without the scopes that the user may not have.

    Raises OAuthError invalid_scope if no scope is left.
    """
    target = membership.narrow_for_client(request.target, request.client, str(user.sub))
    return replace(request, target=target)


def is_needed(request: AuthorizationRequest, user: User) -> bool:
    """Return True if the user must be asked for consent before the client gets a code."""
    if "consent" in request.prompt:
        return True
    return not (_is_trusted(request) or is_remembered(request, user))


def is_remembered(request: AuthorizationRequest, user: User) -> bool:
    """Return True if the user agreed to all scopes and claims before, and need not be asked again.

    The client's setting `remembers_consent` must be on. The redirect URI must be https or, in development, a loopback
    address.
    """
    # On a device, another program can claim the redirect URI of an application, and would get a code without consent
    # (RFC 8252 section 8.6).
    if not (request.client.remembers_consent and (_has_claimed_redirect_uri(request) or _is_development(request))):
        return False
    consents = Consent.objects.filter(user=user, client=request.client, audience=request.target.audience)
    row = consents.values_list("scope", "claims").first()
    if row is None:
        return False
    scope, claims = row
    has_claims = set(further_claims(request)) <= set((claims or "").split())
    return has_claims and set(request.target.scopes) <= set(scope.split())


def further_claims(request: AuthorizationRequest) -> tuple[str, ...]:
    """Return the claims that the client requests by name and that none of its requested scopes includes."""
    return request.claims.beyond(request.target.scopes)


def remember(request: AuthorizationRequest, user: User, *, now: datetime) -> None:
    """Add the requested scopes and claims to the user's consent for the client.

    Does nothing unless the client's setting `remembers_consent` is on.
    """
    if not request.client.remembers_consent:
        return
    key: dict[str, Any] = {"user": user, "client": request.client, "audience": request.target.audience}
    claims = further_claims(request)
    values = {"scope": " ".join(request.target.scopes), "claims": " ".join(claims) or None, "given_at": now}
    with transaction.atomic():  # the row lock, so that two answers at once do not overwrite each other's scopes
        consent, is_first = Consent.objects.select_for_update().get_or_create(**key, defaults=values)
        if not is_first:
            consent.scope = " ".join(dict.fromkeys([*consent.scope.split(), *request.target.scopes]))
            consent.claims = " ".join(dict.fromkeys([*(consent.claims or "").split(), *claims])) or None
            consent.given_at = now
            consent.save(update_fields=["scope", "claims", "given_at"])


def may_answer_unseen(client: Client, redirect_uri: str, user: User | AnonymousUser) -> bool:
    """Return True if an error may be sent to the client without any action of the user (RFC 9700 section 4.11.2).

    Returns False if the client is self-registered, its redirect URI is https, and this user has not consented to this
    client before.
    """
    # Such a client might be an attacker's, and a link to the issuer must not redirect to the attacker's site.
    if client.registered_by is None or not redirect_uri.startswith("https://"):
        return True
    return user.is_authenticated and Consent.objects.filter(user=user, client=client).exists()


def _is_trusted(request: AuthorizationRequest) -> bool:
    """Return True if the client is the issuer's own and cannot be impersonated (RFC 8252 section 8.6).

    A client cannot be impersonated if it is confidential, or if the redirect URI of this request is https.
    """
    client = request.client
    is_proven = not client.is_public or _has_claimed_redirect_uri(request)
    return client.skip_authorization and client.registered_by is None and is_proven


def _is_development(request: AuthorizationRequest) -> bool:
    """Return True if DEVELOPMENT_ONLY_REMEMBER_LOOPBACK_CONSENT is on and the redirect URI is a loopback address."""
    # `http` is permitted on loopback only (tokens/addresses.py).
    return conf.issuer().remembers_loopback_consent and request.redirect_uri.startswith("http://")


def _has_claimed_redirect_uri(request: AuthorizationRequest) -> bool:
    """Return True if the redirect URI is https. No other program can receive the answer at such an address."""
    # Another program on a device can claim a loopback address or a private-use scheme, but not an https address.
    return request.redirect_uri.startswith("https://")
