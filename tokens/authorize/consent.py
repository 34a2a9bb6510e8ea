"""When a user has to log in again, when they have to be asked, and the proof that they were asked this very thing."""

import hashlib
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from django.core import signing
from django.db import transaction

from tokens.authorize import reauthentication
from tokens.authorize.request import AuthorizationRequest
from tokens.issued.audience import OPENID
from tokens.issued.login import Login
from tokens.models import Consent, Scope, User

SALT = "tokens.oauth.consent"
TIME_TO_DECIDE = timedelta(minutes=10)
LOG_IN = frozenset({"login", "select_account"})


def needs_login(asked: AuthorizationRequest, query: str, login: Login, *, now: datetime) -> bool:
    """True if the login is too old for the request, or the request wants a new one (OpenID Connect Core 3.1.2.1).

    `query` is the request as its client sent it, plus the instant at which the user was sent to log in, if any.
    """
    if reauthentication.was_made(query, login, now=now):
        return False
    if asked.prompt & LOG_IN or asked.max_age == 0:
        return True
    return asked.max_age is not None and now - login.at > timedelta(seconds=asked.max_age)


def is_another(asked: AuthorizationRequest, user: User) -> bool:
    """Whether the request is about somebody else than `user` (OpenID Connect Core section 3.1.2.2)."""
    return asked.subject is not None and asked.subject != str(user.sub)


def is_needed(asked: AuthorizationRequest, user: User) -> bool:
    """Whether the user has to be asked.

    Always, unless the client is the issuer's own and can be told from others, or the user agreed to the same before and
    the client remembers. No parameter of a request skips the question; prompt=consent asks it again.
    """
    if "consent" in asked.prompt:
        return True
    return not (_is_trusted(asked) or is_remembered(asked, user))


def is_remembered(asked: AuthorizationRequest, user: User) -> bool:
    """Whether the user agreed to all of it before.

    Not for an answer that goes to an address which any program on a device can take (RFC 8252 section 8.6).
    """
    if not asked.client.remembers_consent or not _is_claimed(asked):
        return False
    known = Consent.objects.filter(user=user, client=asked.client, audience=asked.target.audience)
    agreed = known.values_list("scope", flat=True).first()
    return agreed is not None and set(asked.target.scopes) <= set(agreed.split())


def has_level(asked: AuthorizationRequest, login: Login) -> bool:
    """Whether the login is of a class that the request names, if it names any (RFC 9470 section 5)."""
    return not asked.acr_values or login.acr in asked.acr_values


def remember(asked: AuthorizationRequest, user: User, *, now: datetime) -> None:
    """Keep what the user agreed to, on top of what they agreed to before."""
    if not asked.client.remembers_consent:
        return
    known: dict[str, Any] = {"user": user, "client": asked.client, "audience": asked.target.audience}
    agreed = {"scope": " ".join(asked.target.scopes), "given_at": now}
    with transaction.atomic():  # the row is held: of two answers at once none is lost
        kept, is_first = Consent.objects.select_for_update().get_or_create(**known, defaults=agreed)
        if not is_first:
            kept.scope = " ".join(dict.fromkeys([*kept.scope.split(), *asked.target.scopes]))
            kept.given_at = now
            kept.save(update_fields=["scope", "given_at"])


def described(names: Sequence[str]) -> list[Scope]:
    """The scopes of these names, for a page that says what each of them is."""
    rows = {scope.name: scope for scope in Scope.objects.filter(name__in=names).select_related("api")}
    openid = {name: Scope(name=name, description=text) for name, text in OPENID.items()}
    return [(rows | openid)[name] for name in names]


def shown(query: str, user: str, login: Login, *, now: datetime) -> str:
    """Return the proof that `query` was shown to `user` in this login, at `now`."""
    return signing.dumps([_facts(query, user, login), now.timestamp()], salt=SALT)


def was_shown(proof: str, query: str, user: str, login: Login, *, now: datetime) -> bool:
    """True if `proof` is for the same request, user and login, and at most ten minutes old."""
    try:
        facts, at = signing.loads(proof, salt=SALT)
    except (signing.BadSignature, ValueError):
        return False
    return bool(facts == _facts(query, user, login)) and now.timestamp() - at <= TIME_TO_DECIDE.total_seconds()


def _facts(query: str, user: str, login: Login) -> list[object]:
    return [hashlib.sha256(query.encode()).hexdigest(), user, login.at.timestamp()]


def _is_trusted(asked: AuthorizationRequest) -> bool:
    """Whether the client is the issuer's own, and its secret or address proves that it is (RFC 8252 section 8.6)."""
    proven = not asked.client.is_public or _is_claimed(asked)
    return asked.client.skip_authorization and proven


def _is_claimed(asked: AuthorizationRequest) -> bool:
    """Whether the answer goes to an address that is one party's alone, and not any program's on a device."""
    return asked.redirect_uri.startswith("https://")
