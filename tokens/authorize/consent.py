"""Decide when a user must log in again and when the user must be asked, and prove what was displayed.

- A user is always asked, unless the client is the issuer's own and cannot be impersonated, or the user agreed to the
  same scopes before and the client remembers consent. No parameter of a request skips the question.
- prompt=consent asks again. prompt=login, prompt=select_account and max_age require a new login.
- An answer counts only with a proof that this request was displayed to this user in this login, at most
  `TIME_TO_DECIDE` ago. So neither an answer to another request nor the answer of another user is accepted.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

from django.core import signing
from django.db import transaction

from tokens.authorize import reauthentication
from tokens.authorize.request import AuthorizationRequest
from tokens.issued.audience import OPENID
from tokens.issued.login import Login
from tokens.models import Client, Consent, Registrar, Scope, User

# Another value invalidates the consent pages that are open.
SALT = "tokens.oauth.consent"
TIME_TO_DECIDE = timedelta(minutes=10)
LOG_IN = frozenset({"login", "select_account"})


@dataclass(frozen=True, slots=True)
class Stranger:
    """A client that no operator registered, as the consent page shows it."""

    host: str
    """The host of its metadata document, which proves who publishes it. Empty if it was registered dynamically."""
    answer_goes_to: str
    """The host, or the private-use scheme, of the redirect URI; empty for a device."""


def needs_login(request: AuthorizationRequest, query: str, login: Login, *, now: datetime) -> bool:
    """Return True if the login is too old for the request, or the request requires a new one (OIDC Core 3.1.2.1).

    `query` is the request as its client sent it, plus the mark of `reauthentication` if the user was sent to log in.
    """
    if reauthentication.was_made(query, login, now=now):
        return False
    if request.prompt & LOG_IN or request.max_age == 0:
        return True
    return request.max_age is not None and now - login.at > timedelta(seconds=request.max_age)


def names_another_user(request: AuthorizationRequest, user: User) -> bool:
    """Return True if the request's id_token_hint names a user other than `user` (OIDC Core section 3.1.2.2)."""
    return request.subject is not None and request.subject != str(user.sub)


def is_needed(request: AuthorizationRequest, user: User) -> bool:
    """Return True if the user must be asked before the client gets a code."""
    if "consent" in request.prompt:
        return True
    return not (_is_trusted(request) or is_remembered(request, user))


def is_remembered(request: AuthorizationRequest, user: User) -> bool:
    """Return True if the user agreed to all requested scopes before, and the client remembers consent."""
    # Another program can take the address of an application on a device, and would get the code without a question
    # (RFC 8252 section 8.6).
    if not request.client.remembers_consent or not _has_claimed_redirect_uri(request):
        return False
    consents = Consent.objects.filter(user=user, client=request.client, audience=request.target.audience)
    scope = consents.values_list("scope", flat=True).first()
    return scope is not None and set(request.target.scopes) <= set(scope.split())


def has_class(request: AuthorizationRequest, login: Login) -> bool:
    """Return True if the request names no authentication context class, or if the login has a named one (RFC 9470)."""
    return not request.acr_values or login.acr in request.acr_values


def remember(request: AuthorizationRequest, user: User, *, now: datetime) -> None:
    """Add the requested scopes to the user's consent for the client, if the client remembers consent."""
    if not request.client.remembers_consent:
        return
    key: dict[str, Any] = {"user": user, "client": request.client, "audience": request.target.audience}
    values = {"scope": " ".join(request.target.scopes), "given_at": now}
    with transaction.atomic():  # the row lock, so that two answers at once do not overwrite each other's scopes
        consent, is_first = Consent.objects.select_for_update().get_or_create(**key, defaults=values)
        if not is_first:
            consent.scope = " ".join(dict.fromkeys([*consent.scope.split(), *request.target.scopes]))
            consent.given_at = now
            consent.save(update_fields=["scope", "given_at"])


def stranger(client: Client, redirect_uri: str = "") -> Stranger | None:
    """Return what a user has to know of a client that registered itself. Returns None for any other client.

    `redirect_uri` is empty for a device.
    """
    if client.registered_by is None:
        return None
    is_document = client.registered_by == Registrar.DOCUMENT
    parts = urlsplit(redirect_uri)
    answer = f"{parts.scheme}: (an application on your device)" if parts.scheme and not parts.netloc else parts.netloc
    return Stranger(host=urlsplit(client.client_id).netloc if is_document else "", answer_goes_to=answer)


def describe_scopes(names: Sequence[str]) -> list[Scope]:
    """Return the scopes with these names, in this order, for a page that displays their descriptions."""
    rows = {scope.name: scope for scope in Scope.objects.filter(name__in=names).select_related("api")}
    openid = {name: Scope(name=name, description=text) for name, text in OPENID.items()}
    return [(rows | openid)[name] for name in names]


def display_proof(query: str, user: str, login: Login, *, now: datetime) -> str:
    """Return the signed proof that the request `query` was displayed to `user` in this login, at `now`."""
    return signing.dumps([_facts(query, user, login), now.timestamp()], salt=SALT)


def proves_display(proof: str, query: str, user: str, login: Login, *, now: datetime) -> bool:
    """Return True if `proof` is for this request, user and login, and at most `TIME_TO_DECIDE` old."""
    try:
        facts, at = signing.loads(proof, salt=SALT)
    except (signing.BadSignature, ValueError):
        return False
    return bool(facts == _facts(query, user, login)) and now.timestamp() - at <= TIME_TO_DECIDE.total_seconds()


def _facts(query: str, user: str, login: Login) -> list[object]:
    """Return what a proof is bound to."""
    return [hashlib.sha256(query.encode()).hexdigest(), user, login.at.timestamp()]


def _is_trusted(request: AuthorizationRequest) -> bool:
    """Return True if the client is the issuer's own, and a secret or its address proves its identity (RFC 8252 8.6)."""
    is_proven = not request.client.is_public or _has_claimed_redirect_uri(request)
    return request.client.skip_authorization and is_proven


def _has_claimed_redirect_uri(request: AuthorizationRequest) -> bool:
    """Return True if only the client can receive the answer."""
    # No other program on a device can take an https address; it can take a loopback address or a private-use scheme.
    return request.redirect_uri.startswith("https://")
