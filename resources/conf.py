"""The resource server's settings, read in one place: settings.RESOURCE_SERVER as a typed, frozen object."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.core.signals import setting_changed

from .keysets.key_policy import POLICIES, Timing
from .local_users import LocalUsers, new_user
from .settings.defaults import DEFAULTS, LOCAL_USERS_DEFAULTS
from .settings.dpop_settings import DPoPSettings, dpop_settings
from .settings.entry_types import LOCAL_USERS_TYPES, TYPES, is_url
from .settings.entry_values import complete, function, one_of, paths, strings, uri
from .settings.issuer_settings import IssuerSettings, issuer_entries, issuer_settings


@dataclass(frozen=True, slots=True)
class ResourceServer:
    """The settings of the resource server. `defaults.DEFAULTS` describes each entry."""

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
    """The settings of DPoP, or None if this API accepts no tokens that are bound to a key."""
    revocations_every: float
    revocations_late_after: float
    refuse_when_late: bool
    denied_kids: frozenset[str]
    denied_tokens: frozenset[str]
    deny: Callable[[str, Mapping[str, Any]], bool] | None
    local_users: LocalUsers | None
    metrics: bool
    """True if metrics are exported."""
    operator_token: str = field(repr=False)
    introspection_client_id: str
    introspection_client_secret: str = field(repr=False)
    introspection_for: float
    remember_tokens: bool
    paths: tuple[str, ...]
    behind_proxy: bool
    dangerously_allow_anonymous: bool
    dangerously_accept_typ_jwt: bool
    dangerously_allow_http: bool


@cache
def resource_server() -> ResourceServer:
    """Return the settings. They are cached until a test overrides them.

    Raises ImproperlyConfigured if an entry is wrong. The message names the first wrong entry.
    """
    values = complete(settings.RESOURCE_SERVER, DEFAULTS, TYPES, "RESOURCE_SERVER")
    audience = strings(values["AUDIENCE"])
    issuers = tuple(issuer_settings(entry, values) for entry in issuer_entries(values["ISSUERS"]))
    resource = uri("RESOURCE", values["RESOURCE"]) or next(filter(is_url, audience[:1]), "")
    first = issuers[0].url.rstrip("/") if issuers else ""
    supported = values["SCOPES"] if values["SCOPES_SUPPORTED"] is None else values["SCOPES_SUPPORTED"]
    return ResourceServer(
        issuers=issuers,
        audience=frozenset(audience),
        timing=POLICIES[one_of("KEY_POLICY", values["KEY_POLICY"], tuple(POLICIES))],
        scopes=dict(values["SCOPES"]),
        scopes_supported=tuple(sorted(strings(supported))),
        authorization_url=values["AUTHORIZATION_URL"] or f"{first}/oauth/authorize",
        token_url=values["TOKEN_URL"] or f"{first}/oauth/token",
        realm=values["REALM"],
        resource=resource,
        dpop=dpop_settings(
            values,
            algorithms=strings(values["DPOP_ALGORITHMS"]),
            resource=resource,
            secrets=[settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS] if values["DPOP_NONCES"] else [],
        ),
        revocations_every=float(values["REVOCATIONS_EVERY"]),
        revocations_late_after=float(values["REVOCATIONS_LATE_AFTER"]),
        refuse_when_late=one_of("REVOCATIONS_WHEN_LATE", values["REVOCATIONS_WHEN_LATE"], ("serve", "refuse"))
        == "refuse",
        denied_kids=frozenset(values["DENIED_KIDS"]),
        denied_tokens=frozenset(values["DENIED_TOKENS"]),
        deny=None if values["DENY"] is None else function("RESOURCE_SERVER['DENY']", values["DENY"]),
        local_users=_local_users(values["LOCAL_USERS"]),
        metrics=values["METRICS"],
        operator_token=values["OPERATOR_TOKEN"],
        introspection_client_id=values["INTROSPECTION_CLIENT_ID"],
        introspection_client_secret=values["INTROSPECTION_CLIENT_SECRET"],
        introspection_for=float(values["INTROSPECTION_FOR"]),
        remember_tokens=values["REMEMBER_TOKENS"],
        paths=paths(values["PATHS"]),
        behind_proxy=values["BEHIND_PROXY"],
        dangerously_allow_anonymous=values["DANGEROUSLY_ALLOW_ANONYMOUS"],
        dangerously_accept_typ_jwt=values["DANGEROUSLY_ACCEPT_TYP_JWT"],
        dangerously_allow_http=values["DANGEROUSLY_ALLOW_HTTP"],
    )


def _local_users(entries: Mapping[str, Any]) -> LocalUsers | None:
    """Return the entry LOCAL_USERS of RESOURCE_SERVER, or None if it is empty.

    Raises ImproperlyConfigured unless the entry has either ISSUER_FIELD and SUBJECT_FIELD, or LINK_TABLE. Also raises
    it if another value of the entry is wrong.
    """
    if not entries:
        return None
    where = "RESOURCE_SERVER['LOCAL_USERS']"
    values = complete(entries, LOCAL_USERS_DEFAULTS, LOCAL_USERS_TYPES, where)
    fields = values["ISSUER_FIELD"], values["SUBJECT_FIELD"]
    link_table, create = values["LINK_TABLE"], values["CREATE"]
    if any(fields) if link_table else not all(fields):
        raise ImproperlyConfigured(f"{where} must have either ISSUER_FIELD and SUBJECT_FIELD, or LINK_TABLE: True.")
    if create is True:
        create = new_user
    elif create:
        create = function(f"{where}['CREATE']", create)
    return LocalUsers(*fields, link_table=link_table, create=create or None)


def _reload(*, setting: str, **_: Any) -> None:
    if setting in {"RESOURCE_SERVER", "SECRET_KEY", "SECRET_KEY_FALLBACKS"}:
        resource_server.cache_clear()


setting_changed.connect(_reload)
