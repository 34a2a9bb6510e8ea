"""The resource server's settings, read in one place: settings.RESOURCE_SERVER as a typed, frozen object."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.core.signals import setting_changed
from django.utils.module_loading import import_string

from .defaults import DEFAULTS, ISSUER_DEFAULTS, LOCAL_USERS_DEFAULTS
from .dpop_settings import DPoPSettings, dpop_settings
from .key_policy import POLICIES, Timing
from .local_users import LocalUsers, new_user


@dataclass(frozen=True, slots=True)
class IssuerSettings:
    """The settings for one issuer."""

    url: str
    algorithms: frozenset[str]
    jwks_url: str
    pinned_jwks: bytes
    """A JWKS document that is used instead of the network, or b"" if there is none."""
    revocations_url: str


@dataclass(frozen=True, slots=True)
class ResourceServer:
    """The settings of the resource server. DEFAULTS describes each entry."""

    issuers: tuple[IssuerSettings, ...]
    audience: frozenset[str]
    timing: Timing
    scopes: Mapping[str, str]
    scopes_supported: tuple[str, ...]
    authorization_url: str
    token_url: str
    realm: str
    resource: str
    dpop: DPoPSettings | None
    """None if this API accepts no tokens that are bound to a key."""
    revocations_every: float
    revocations_late_after: float
    refuse_when_late: bool
    denied_kids: frozenset[str]
    denied_tokens: frozenset[str]
    deny: Callable[[str, Mapping[str, Any]], bool] | None
    local_users: LocalUsers | None
    operator_token: str
    introspection_client_id: str
    introspection_client_secret: str
    introspection_for: float
    paths: tuple[str, ...]
    behind_proxy: bool
    allow_anonymous: bool
    accept_typ_jwt: bool
    allow_http: bool


@cache
def resource_server() -> ResourceServer:
    """Return the settings. They are cached until a test overrides them.

    Raises ImproperlyConfigured, which names the first wrong entry.
    """
    values = _complete(settings.RESOURCE_SERVER, DEFAULTS, "RESOURCE_SERVER")
    audience = _strings("AUDIENCE", values["AUDIENCE"])
    issuers = tuple(_issuer(entry, values) for entry in _entries(values["ISSUERS"]))
    resource = values["RESOURCE"] or next(filter(_is_url, audience[:1]), "")
    first = issuers[0].url.rstrip("/") if issuers else ""
    supported = values["SCOPES"] if values["SCOPES_SUPPORTED"] is None else values["SCOPES_SUPPORTED"]
    return ResourceServer(
        issuers=issuers,
        audience=frozenset(audience),
        timing=POLICIES[_one_of("KEY_POLICY", values["KEY_POLICY"], tuple(POLICIES))],
        scopes=dict(values["SCOPES"]),
        scopes_supported=tuple(sorted(_strings("SCOPES_SUPPORTED", supported))),
        authorization_url=values["AUTHORIZATION_URL"] or f"{first}/oauth/authorize",
        token_url=values["TOKEN_URL"] or f"{first}/oauth/token",
        realm=str(values["REALM"]),
        resource=resource,
        dpop=dpop_settings(
            values,
            algorithms=_strings("DPOP_ALGORITHMS", values["DPOP_ALGORITHMS"]),
            resource=resource,
            secrets=[settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS] if values["DPOP_NONCES"] else [],
        ),
        revocations_every=_positive("REVOCATIONS_EVERY", values),
        revocations_late_after=_positive("REVOCATIONS_LATE_AFTER", values),
        refuse_when_late=_one_of("REVOCATIONS_WHEN_LATE", values["REVOCATIONS_WHEN_LATE"], ("serve", "refuse"))
        == "refuse",
        denied_kids=frozenset(_strings("DENIED_KIDS", values["DENIED_KIDS"])),
        denied_tokens=frozenset(_strings("DENIED_TOKENS", values["DENIED_TOKENS"])),
        deny=import_string(values["DENY"]) if values["DENY"] else None,
        local_users=_local_users(values["LOCAL_USERS"]),
        operator_token=str(values["OPERATOR_TOKEN"]),
        introspection_client_id=values["INTROSPECTION_CLIENT_ID"],
        introspection_client_secret=values["INTROSPECTION_CLIENT_SECRET"],
        introspection_for=_positive("INTROSPECTION_FOR", values),
        paths=_paths(values["PATHS"]),
        behind_proxy=bool(values["BEHIND_PROXY"]),
        allow_anonymous=bool(values["DANGEROUSLY_ALLOW_ANONYMOUS"]),
        accept_typ_jwt=bool(values["DANGEROUSLY_ACCEPT_TYP_JWT"]),
        allow_http=bool(values["DANGEROUSLY_ALLOW_HTTP"]),
    )


def _local_users(entries: Mapping[str, Any]) -> LocalUsers | None:
    if not entries:
        return None
    values = _complete(entries, LOCAL_USERS_DEFAULTS, "RESOURCE_SERVER['LOCAL_USERS']")
    fields = values["ISSUER_FIELD"], values["SUBJECT_FIELD"]
    link_table, create = values["LINK_TABLE"], values["CREATE"]
    if not isinstance(link_table, bool) or (any(fields) if link_table else not all(fields)):
        raise ImproperlyConfigured(
            "RESOURCE_SERVER['LOCAL_USERS'] must have either ISSUER_FIELD and SUBJECT_FIELD, or LINK_TABLE: True."
        )
    if isinstance(create, str) and create:
        create = import_string(create)
    elif create is True:
        create = new_user
    elif create is not False:
        raise ImproperlyConfigured("RESOURCE_SERVER['LOCAL_USERS']['CREATE'] must be True, False or a dotted path.")
    return LocalUsers(*fields, link_table=link_table, create=create or None)


def _issuer(entry: Mapping[str, Any], values: Mapping[str, Any]) -> IssuerSettings:
    own = _complete(entry, ISSUER_DEFAULTS, "RESOURCE_SERVER['ISSUERS']")
    revocations = values["REVOCATIONS"] if own["REVOCATIONS"] is None else own["REVOCATIONS"]
    jwks_url = own["JWKS_URL"] or values["JWKS_URL"]
    if revocations is True:
        revocations = _feed(own["URL"].rstrip("/"), jwks_url)
    return IssuerSettings(
        url=own["URL"],
        algorithms=frozenset(_strings("ALGORITHMS", own["ALGORITHMS"] or values["ALGORITHMS"])),
        jwks_url=jwks_url,
        pinned_jwks=_document(own["PINNED_JWKS"]),
        revocations_url=revocations or "",
    )


def _feed(issuer: str, jwks_url: str) -> str:
    """Return the URL of the feed that the keys behind `jwks_url` sign."""
    # A ring of signing keys signs a feed of its own. An API that uses the JWKS of that ring can verify no other feed.
    ring = jwks_url.removeprefix(f"{issuer}/.well-known/jwks/").removesuffix(".json")
    own_ring = ring and jwks_url == f"{issuer}/.well-known/jwks/{ring}.json" and "/" not in ring
    return f"{issuer}/oauth/revocations" + (f"/{ring}" if own_ring else "")


def _document(pinned: str | Path | Mapping[str, Any]) -> bytes:
    if not pinned:
        return b""
    return json.dumps(pinned).encode() if isinstance(pinned, Mapping) else Path(pinned).read_bytes()


def _entries(issuers: Sequence[str | Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    if isinstance(issuers, str):
        issuers = [issuers]
    return [{"URL": entry} if isinstance(entry, str) else entry for entry in issuers]


def _complete(entries: Mapping[str, Any], defaults: Mapping[str, Any], where: str) -> dict[str, Any]:
    """Return `entries` completed with `defaults`. Raises ImproperlyConfigured if a name in `entries` is unknown."""
    if unknown := entries.keys() - defaults.keys():
        raise ImproperlyConfigured(f"{where} has unknown entries: {', '.join(sorted(unknown))}.")
    return {**defaults, **entries}


def _strings(name: str, value: str | Sequence[str]) -> list[str]:
    strings = [value] if isinstance(value, str) else list(value)
    if not all(isinstance(string, str) and string for string in strings):
        raise ImproperlyConfigured(f"RESOURCE_SERVER[{name!r}] must be a list of strings.")
    return strings


def _paths(value: str | Sequence[str]) -> tuple[str, ...]:
    paths = _strings("PATHS", value)
    if wrong := [path for path in paths if not path.startswith("/")]:
        raise ImproperlyConfigured(f"RESOURCE_SERVER['PATHS'] must contain paths such as '/api/', not {wrong[0]!r}.")
    return tuple(paths)


def _one_of(name: str, value: str, choices: Sequence[str]) -> str:
    if value not in choices:
        raise ImproperlyConfigured(f"RESOURCE_SERVER[{name!r}] must be one of {', '.join(choices)}.")
    return value


def _positive(name: str, values: Mapping[str, Any]) -> float:
    value = values[name]
    if isinstance(value, bool) or not isinstance(value, int | float) or value <= 0:
        raise ImproperlyConfigured(f"RESOURCE_SERVER[{name!r}] must be a positive number of seconds.")
    return float(value)


def _is_url(value: str) -> bool:
    parts = urlsplit(value)
    return parts.scheme in {"http", "https"} and bool(parts.netloc)


def _reload(*, setting: str, **_: Any) -> None:
    if setting == "RESOURCE_SERVER":
        resource_server.cache_clear()


setting_changed.connect(_reload)
