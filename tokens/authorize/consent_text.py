"""The content of the consent page: the client, the receiver of the authorization response, and all texts."""

from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

from django.utils.translation import gettext as _

from tokens.claims.names import WORDS
from tokens.issued.audience import OPENID
from tokens.models import Client, Registrar, Scope


@dataclass(frozen=True, slots=True)
class SelfRegistered:
    """A self-registered client, as the consent page describes it to the user."""

    host: str
    """The host of the client's metadata document, which proves its publisher; "" for a dynamic registration."""


@dataclass(frozen=True, slots=True)
class Destination:
    """The receiver of the answer to an authorization request: a site, or an application on the user's device."""

    site: str = ""
    """Host and port of an http or https address; empty for an application on the user's device."""
    scheme: str = ""
    """The private-use scheme by which the device finds the application."""
    is_loopback: bool = False
    """True if the site is the user's own device."""


def self_registered(client: Client) -> SelfRegistered | None:
    """Return the description of a self-registered client for the consent page. Returns None for any other client."""
    if client.registered_by is None:
        return None
    is_document = client.registered_by == Registrar.DOCUMENT
    return SelfRegistered(host=urlsplit(client.client_id).netloc if is_document else "")


def destination(redirect_uri: str) -> Destination:
    """Return the receiver of an answer to this valid redirect URI, for the consent page."""
    parts = urlsplit(redirect_uri)
    # Any host can follow a private-use scheme (com.example.app://bank.example/), but that host never gets the answer.
    if parts.scheme not in {"http", "https"}:
        return Destination(scheme=parts.scheme)
    return Destination(site=parts.netloc, is_loopback=parts.scheme == "http")  # http is permitted on loopback only


def describe_scopes(names: Sequence[str]) -> list[Scope]:
    """Return the scopes with these names, in this order, with their descriptions for the consent page.

    Raises KeyError if there is no scope with one of the names.
    """
    rows = {scope.name: scope for scope in Scope.objects.filter(name__in=names).select_related("api")}
    openid = {name: Scope(name=name, description=str(text)) for name, text in OPENID.items()}
    return [(rows | openid)[name] for name in names]


def describe_known(names: Sequence[str]) -> list[Scope]:
    """Return the scopes with these names. Skip a scope that was deleted after the user allowed it."""
    existing = {*OPENID, *Scope.objects.filter(name__in=names).values_list("name", flat=True)}
    return describe_scopes([name for name in names if name in existing])


def describe_claims(names: Sequence[str]) -> list[dict[str, str]]:
    """Return the name and the description of each of these claims, which the consent page lists below the scopes."""
    return [{"name": name, "description": _("Read %(claim)s") % {"claim": _(WORDS[name])}} for name in names]
