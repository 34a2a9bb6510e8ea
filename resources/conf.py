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

from resources.keyset import POLICIES, Timing
from resources.local_users import LocalUsers, new_user

DEFAULTS: dict[str, Any] = {
    # Whom to trust: URLs, or dictionaries of ISSUER_DEFAULTS for an issuer that differs from the rest.
    "ISSUERS": [],
    # Every `aud` that means this API.
    "AUDIENCE": [],
    # The algorithms that an issuer may sign with. Asymmetric only.
    "ALGORITHMS": ["RS256"],
    # The address of the JWKS, where it is not to be discovered (one issuer only).
    "JWKS_URL": "",
    # How long keys are kept: "production" or "development" (resources/keyset.py has the numbers).
    "KEY_POLICY": "production",
    # Names and descriptions of the scopes that this API knows, for its metadata and its OpenAPI document.
    "SCOPES": {},
    # The protection space that challenges name (RFC 9110 section 11.5).
    "REALM": "api",
    # This API's resource identifier (RFC 9728); the first audience when that is an absolute URL.
    "RESOURCE": "",
    # Follow each issuer's revocation feed.
    "REVOCATIONS": False,
    # How often, in seconds, and how old the feed may be before it counts as late.
    "REVOCATIONS_EVERY": 30,
    "REVOCATIONS_LATE_AFTER": 120,
    # What to do while the feed is late: "serve" (and raise the alarm) or "refuse" (503).
    "REVOCATIONS_WHEN_LATE": "serve",
    # Kids and token identifiers that are refused whatever the issuer says.
    "DENIED_KIDS": [],
    "DENIED_TOKENS": [],
    # Dotted path of a function (kid, claims) -> bool that denies a verified token by saying True.
    "DENY": "",
    # LOCAL_USERS_DEFAULTS, if request.user is to be a user of this project, found by (iss, sub).
    "LOCAL_USERS": {},
    # /readyz tells a request that bears this token why it is not ready. If empty, only the machine itself is told.
    "OPERATOR_TOKEN": "",
    # How RequireActive introduces itself to the issuer's introspection endpoint.
    "INTROSPECTION_CLIENT_ID": "",
    "INTROSPECTION_CLIENT_SECRET": "",
    # How long, in seconds, an answer of the introspection endpoint is believed.
    "INTROSPECTION_FOR": 5,
    # The paths of this API, as prefixes such as "/api/": errors below them are JSON unless the client prefers HTML.
    "PATHS": [],
    # True if a proxy in front appends the client's address to X-Forwarded-For. Failed tokens are counted by it.
    "BEHIND_PROXY": False,
    # Allow DEFAULT_PERMISSION_CLASSES that let requests without a token in, also to views that say nothing.
    "DANGEROUSLY_ALLOW_ANONYMOUS": False,
    # Let keys and tokens travel without TLS beyond loopback. Anyone on the way can then make tokens.
    "DANGEROUSLY_ALLOW_HTTP": False,
}

LOCAL_USERS_DEFAULTS: dict[str, Any] = {
    # The two fields of the user model that hold them, unique together.
    "ISSUER_FIELD": "",
    "SUBJECT_FIELD": "",
    # True: the table of resources.user_links instead, which has to be in INSTALLED_APPS.
    "LINK_TABLE": False,
    # Make a user for a subject that has none: True, or the dotted path of a function (token) -> user or None.
    "CREATE": False,
}

ISSUER_DEFAULTS: dict[str, Any] = {
    "URL": "",
    "ALGORITHMS": None,
    "JWKS_URL": "",
    # A JWKS, or the path of a file with one, that is used instead of the network: for tests and islands.
    "PINNED_JWKS": "",
    # True, False, or the feed's own address.
    "REVOCATIONS": None,
}


@dataclass(frozen=True, slots=True)
class IssuerSettings:
    """What this API knows about one issuer."""

    url: str
    algorithms: frozenset[str]
    jwks_url: str
    pinned_jwks: bytes
    """A JWKS document that takes the place of the network, or b""."""
    revocations_url: str


@dataclass(frozen=True, slots=True)
class ResourceServer:
    """What the resource server is told from outside; DEFAULTS says what each entry means."""

    issuers: tuple[IssuerSettings, ...]
    audience: frozenset[str]
    timing: Timing
    scopes: Mapping[str, str]
    realm: str
    resource: str
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
    allow_http: bool


@cache
def resource_server() -> ResourceServer:
    """The settings in force; read once, and again after a test overrides them. Raises ImproperlyConfigured."""
    values = _complete(settings.RESOURCE_SERVER, DEFAULTS, "RESOURCE_SERVER")
    audience = _strings("AUDIENCE", values["AUDIENCE"])
    return ResourceServer(
        issuers=tuple(_issuer(entry, values) for entry in _entries(values["ISSUERS"])),
        audience=frozenset(audience),
        timing=POLICIES[_one_of("KEY_POLICY", values["KEY_POLICY"], tuple(POLICIES))],
        scopes=dict(values["SCOPES"]),
        realm=str(values["REALM"]),
        resource=values["RESOURCE"] or next(filter(_is_url, audience[:1]), ""),
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
        allow_http=bool(values["DANGEROUSLY_ALLOW_HTTP"]),
    )


def _local_users(given: Mapping[str, Any]) -> LocalUsers | None:
    if not given:
        return None
    values = _complete(given, LOCAL_USERS_DEFAULTS, "RESOURCE_SERVER['LOCAL_USERS']")
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
    """The feed that an API can verify: the one of its ring, where it pinned the JWKS of a ring of its own."""
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


def _complete(given: Mapping[str, Any], defaults: Mapping[str, Any], where: str) -> dict[str, Any]:
    if unknown := given.keys() - defaults.keys():
        raise ImproperlyConfigured(f"{where} has unknown entries: {', '.join(sorted(unknown))}.")
    return {**defaults, **given}


def _strings(name: str, value: str | Sequence[str]) -> list[str]:
    found = [value] if isinstance(value, str) else list(value)
    if not all(isinstance(one, str) and one for one in found):
        raise ImproperlyConfigured(f"RESOURCE_SERVER[{name!r}] must be a list of strings.")
    return found


def _paths(value: str | Sequence[str]) -> tuple[str, ...]:
    paths = _strings("PATHS", value)
    if wrong := [path for path in paths if not path.startswith("/")]:
        raise ImproperlyConfigured(f"RESOURCE_SERVER['PATHS'] must hold paths such as '/api/', not {wrong[0]!r}.")
    return tuple(paths)


def _one_of(name: str, value: str, allowed: Sequence[str]) -> str:
    if value not in allowed:
        raise ImproperlyConfigured(f"RESOURCE_SERVER[{name!r}] must be one of {', '.join(allowed)}.")
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
