"""Lists the applications (clients) that a user allowed, each with its APIs and scopes.

- A client is listed while it has a live grant of the user, or a remembered consent.
- The database summarizes the grants: a user can have thousands, one for each login at a client.
- `Application.since` is the time of the earliest live grant or remembered consent.
- "Last used" is the last time that the client got a code or a refresh token. The issuer does not know when an API last
  got a token, because APIs verify tokens without the issuer.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db.models import Max, Min, QuerySet

from tokens import conf
from tokens.models import Api, Client, Consent, User, UserGrant


@dataclass(slots=True)
class Access:
    """The scopes and the claims that the user allowed a client for one API."""

    audience: str
    api: str
    """The name of the API; "" for the issuer itself, which tells clients about the user."""
    scopes: set[str] = field(default_factory=set)
    claims: set[str] = field(default_factory=set)


@dataclass(slots=True)
class Application:
    """A client that the user allowed, with the scopes that the user granted for each API."""

    client: Client
    since: datetime
    last_used: datetime | None = None
    accesses: dict[str, Access] = field(default_factory=dict)


def applications(user: User, *, now: datetime) -> list[Application]:
    """Return the applications with a live grant or a remembered consent of the user, sorted by name."""
    listed: dict[Any, Application] = {}
    apis = dict(Api.objects.values_list("identifier", "name"))
    # One statement for all that is read of the grants: another statement could see grants that were created later.
    sums = _live(user, now=now).values("client", "audience", "scope")
    sums = sums.annotate(
        first=Min("created_at"),
        last=Max("created_at"),
        rotated=Max("refresh_tokens__created_at"),
        refreshed=Max("refresh_tokens__last_used_at"),
    )
    consents = list(Consent.objects.filter(user=user))
    clients = Client.objects.in_bulk({row["client"] for row in sums} | {consent.client_id for consent in consents})
    for row in sums:
        if client := clients.get(row["client"]):  # not deleted since its grants were read
            application = _application(listed, client, row["first"])
            used = (row["last"], row["rotated"], row["refreshed"], application.last_used)
            application.last_used = max(filter(None, used))
            _add(application, row["audience"], apis, row["scope"].split(), ())
    for consent in consents:
        if client := clients.get(consent.client_id):
            application = _application(listed, client, consent.given_at)
            _add(application, consent.audience, apis, consent.scope.split(), (consent.claims or "").split())
    return sorted(listed.values(), key=lambda application: (str(application.client).casefold(), application.client.pk))


def _live(user: User, *, now: datetime) -> "QuerySet[UserGrant]":
    return UserGrant.objects.filter(
        user=user, revoked_at=None, ends_at__gt=now, session_epoch=user.session_epoch, client__is_active=True
    ).order_by()


def _application(listed: dict[Any, Application], client: Client, at: datetime) -> Application:
    """Return the entry of `listed` for the client. Create it if missing. Set its `since` to `at` if `at` is earlier."""
    application = listed.setdefault(client.pk, Application(client, at))
    application.since = min(application.since, at)
    return application


def _add(
    application: Application, audience: str, apis: dict[str, str], scopes: Iterable[str], claims: Iterable[str]
) -> None:
    name = "" if audience == conf.issuer().url else apis.get(audience, audience)
    access = application.accesses.setdefault(audience, Access(audience, name))
    access.scopes.update(scopes)
    access.claims.update(claims)
