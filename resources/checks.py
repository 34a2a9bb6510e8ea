"""System checks for settings that would make the verification of tokens weak or impossible."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from django.apps import apps
from django.conf import settings
from django.contrib.auth import get_user_model
from django.core.checks import CheckMessage, Error, register
from django.core.checks import Warning as Alarm
from django.core.exceptions import ImproperlyConfigured
from rest_framework.settings import api_settings

from .anonymous_access import anonymous_methods
from .conf import ResourceServer, resource_server
from .jose.jwk import FAMILIES
from .outbound.fetch import is_allowed
from .settings.issuer_settings import IssuerSettings

PACKAGE = __name__.rpartition(".")[0]
"""`keyturn_resources`, or `resources` if the folder was copied. The ids of messages are the same for both names."""
HANDLER = f"{PACKAGE}.handler.exception_handler"
NO_STORE = f"{PACKAGE}.middleware.no_store"
UNSHARED = ("LocMemCache", "DummyCache")
SESSIONS = "rest_framework.authentication.SessionAuthentication"


@register()
def check_settings(app_configs: Sequence[Any] | None, **_: Any) -> list[CheckMessage]:
    """Return the errors and warnings about the settings. This check uses no network."""
    del app_configs
    rest_framework = getattr(settings, "REST_FRAMEWORK", {})
    try:
        conf = resource_server()
    except (ImproperlyConfigured, ImportError, AttributeError, TypeError, ValueError) as error:
        return [Error(f"RESOURCE_SERVER cannot be read: {error}", id="resources.E001")]
    return [
        *_issuers(conf),
        *_audience(conf),
        *_tokens(conf),
        *_proofs(conf, settings.CACHES),
        *_local_users(conf),
        *_rest_framework(rest_framework),
        *_anonymous(conf),
        *_middleware(settings.MIDDLEWARE),
        *_throttle_cache(api_settings.DEFAULT_THROTTLE_RATES, settings.CACHES.get("default", {})),
        *_schema(settings.INSTALLED_APPS),
    ]


def _issuers(conf: ResourceServer) -> Iterator[CheckMessage]:
    """Yield the problems of the trusted issuers and of their revocation feeds, and a warning if http is allowed."""
    yield from _issuer_urls(conf)
    for issuer in conf.issuers:
        yield from _issuer(issuer, allow_http=conf.dangerously_allow_http)
    if any(issuer.revocations_url for issuer in conf.issuers) and conf.revocations_late_after <= conf.revocations_every:
        hint = "Set REVOCATIONS_LATE_AFTER to several times REVOCATIONS_EVERY."
        text = "The feed would be late between two polls: REVOCATIONS_LATE_AFTER is too short."
        yield Error(text, hint=hint, id="resources.E013")
    if conf.dangerously_allow_http:
        yield Alarm("DANGEROUSLY_ALLOW_HTTP is set: an attacker on the network can make tokens.", id="resources.W001")


def _issuer_urls(conf: ResourceServer) -> Iterator[CheckMessage]:
    """Yield an error if there is no issuer (E002), an issuer is repeated (E003), or issuers share a JWKS_URL (E006)."""
    urls = [issuer.url for issuer in conf.issuers]
    if not urls:
        hint = "Add the URL of the issuer whose tokens this API accepts."
        yield Error("RESOURCE_SERVER['ISSUERS'] is empty.", hint=hint, id="resources.E002")
    if len(set(urls)) != len(urls):
        hint = "Remove one of the two entries."
        yield Error("RESOURCE_SERVER['ISSUERS'] contains an issuer twice.", hint=hint, id="resources.E003")
    if len(urls) > 1 and any(issuer.jwks_url == conf.issuers[0].jwks_url != "" for issuer in conf.issuers[1:]):
        hint = "Set JWKS_URL in the entry of each issuer, or leave it out."
        text = "With one JWKS_URL, each of several issuers can sign for the others."
        yield Error(text, hint=hint, id="resources.E006")


def _issuer(issuer: IssuerSettings, *, allow_http: bool) -> Iterator[CheckMessage]:
    """Yield an error for each URL from which keys cannot be fetched safely (E004), and for wrong ALGORITHMS (E005)."""
    for url in filter(None, (issuer.url, issuer.jwks_url, issuer.revocations_url)):
        if not is_allowed(url, allow_http=allow_http) or "?" in issuer.url:
            hint = "Use https, or http on loopback, and an issuer URL without a query."
            yield Error(f"Keys cannot be fetched safely from {url}.", hint=hint, id="resources.E004")
    if not issuer.algorithms or issuer.algorithms - FAMILIES.keys():
        choices = ", ".join(sorted(FAMILIES))
        hint = f"Choose from {choices}. With a symmetric algorithm, this API could make tokens itself."
        text = f"ALGORITHMS of {issuer.url} is empty, or contains an algorithm that is not asymmetric."
        yield Error(text, hint=hint, id="resources.E005")


def _tokens(conf: ResourceServer) -> Iterator[CheckMessage]:
    if conf.dangerously_accept_typ_jwt:
        hint = "Unset it if the issuer can sign at+jwt (Keyturn: the API's page in the admin)."
        yield Alarm("DANGEROUSLY_ACCEPT_TYP_JWT is set: ID tokens have this type, too.", hint=hint, id="resources.W007")
    if unknown := set(conf.scopes_supported) - conf.scopes.keys():
        hint = "Add them to SCOPES, or remove them from SCOPES_SUPPORTED."
        text = f"SCOPES_SUPPORTED has scopes that SCOPES lacks: {', '.join(sorted(unknown))}."
        yield Error(text, hint=hint, id="resources.E014")


def _proofs(conf: ResourceServer, caches: Mapping[str, Any]) -> Iterator[CheckMessage]:
    """Yield an error if DPOP_REPLAY_CACHE names a cache that does not exist, or that processes do not share (E015)."""
    name = conf.dpop.replay_cache if conf.dpop else ""
    backend = caches.get(name, {}).get("BACKEND", "")
    if name and (not backend or backend.endswith(UNSHARED)):
        yield Error(
            f"Processes cannot refuse the DPoP proofs of each other by the cache {name!r}.",
            hint="Set RESOURCE_SERVER['DPOP_REPLAY_CACHE'] to the name of a cache in CACHES that all of them share, "
            "such as one of Redis.",
            id="resources.E015",
        )


def _audience(conf: ResourceServer) -> Iterator[CheckMessage]:
    if not conf.audience:
        hint = "Add the identifier of this API. Without it, this API would accept tokens for other APIs."
        yield Error("RESOURCE_SERVER['AUDIENCE'] is empty.", hint=hint, id="resources.E007")


def _local_users(conf: ResourceServer) -> Iterator[CheckMessage]:
    """Yield an error if LOCAL_USERS needs an app (E011), fields (E008) or a constraint (E012) that does not exist.

    The constraint must make ISSUER_FIELD and SUBJECT_FIELD unique together. It is needed only if CREATE is set.
    """
    local = conf.local_users
    if local is None:
        return
    if local.link_table:
        if not apps.is_installed(f"{PACKAGE}.user_links"):
            hint = f'Put "{PACKAGE}.user_links" into INSTALLED_APPS and run manage.py migrate.'
            yield Error("LOCAL_USERS has LINK_TABLE, but its app is not installed.", hint=hint, id="resources.E011")
        return
    fields = {local.issuer_field, local.subject_field}
    options = get_user_model()._meta
    if not fields <= {field.name for field in options.get_fields()}:
        hint = "Add two fields, unique together, for issuer and subject. A subject is unique within its issuer only."
        yield Error(
            "RESOURCE_SERVER['LOCAL_USERS'] names fields that the user model does not have.",
            hint=hint,
            id="resources.E008",
        )
    elif local.create and fields not in map(set, [*options.unique_together, *_unique_fields(options)]):
        hint = (
            "Add a UniqueConstraint over both. Otherwise, two simultaneous requests can create two users for a subject."
        )
        yield Error("The fields of LOCAL_USERS are not unique together.", hint=hint, id="resources.E012")


def _unique_fields(options: Any) -> list[Sequence[str]]:
    """Return the fields of each UniqueConstraint that has no condition. `options` is the `_meta` of a model."""
    return [constraint.fields for constraint in options.total_unique_constraints]


def _rest_framework(rest_framework: dict[str, Any]) -> Iterator[CheckMessage]:
    """Yield a warning if SessionAuthentication is first (W002), or EXCEPTION_HANDLER is not of this package (W003).

    `rest_framework` is the setting REST_FRAMEWORK.
    """
    classes = rest_framework.get("DEFAULT_AUTHENTICATION_CLASSES", ())
    names = [entry if isinstance(entry, str) else f"{entry.__module__}.{entry.__qualname__}" for entry in classes]
    if SESSIONS in names and not names.index(SESSIONS):
        hint = "Put JWTAuthentication first: DRF takes the challenge from the first class, and answers 403 without one."
        yield Alarm(
            "SessionAuthentication is the first authentication class: requests without a token get 403, not 401.",
            hint=hint,
            id="resources.W002",
        )
    handler = rest_framework.get("EXCEPTION_HANDLER", "")
    if (handler if isinstance(handler, str) else f"{handler.__module__}.{handler.__qualname__}") != HANDLER:
        hint = f'Set REST_FRAMEWORK["EXCEPTION_HANDLER"] = "{HANDLER}", or call it in your own.'
        yield Alarm(
            "Requests with a missing scope get no challenge: EXCEPTION_HANDLER is not the one of resources.",
            hint=hint,
            id="resources.W003",
        )


def _anonymous(conf: ResourceServer) -> Iterator[CheckMessage]:
    """Yield an error if DRF's default permissions accept requests without a token (E009).

    The default permissions apply to views without permission_classes. If DANGEROUSLY_ALLOW_ANONYMOUS is set, they are
    not checked.
    """
    if conf.dangerously_allow_anonymous or not (open_to := anonymous_methods(api_settings.DEFAULT_PERMISSION_CLASSES)):
        return
    yield Error(
        f"Views without permission_classes answer {', '.join(open_to)} without a token.",
        hint='Set REST_FRAMEWORK["DEFAULT_PERMISSION_CLASSES"] = ["rest_framework.permissions.IsAuthenticated"]. '
        "If anonymous requests are intended, set RESOURCE_SERVER['DANGEROUSLY_ALLOW_ANONYMOUS'] = True.",
        id="resources.E009",
    )


def _middleware(names: Sequence[str]) -> Iterator[CheckMessage]:
    """Yield an error if `no_store` is missing (E010), and a warning if FetchFromCacheMiddleware is used (W004)."""
    if NO_STORE not in names:
        yield Error(
            "Caches can store the answers of this API.",
            hint=f'Put "{NO_STORE}" into MIDDLEWARE: a cache in front could serve them to requests without a token.',
            id="resources.E010",
        )
    if "django.middleware.cache.FetchFromCacheMiddleware" in names:
        hint = "Remove it, and set Cache-Control in the views that may be cached."
        yield Alarm("FetchFromCacheMiddleware answers before a token is verified.", hint=hint, id="resources.W004")


def _throttle_cache(rates: Mapping[str, Any], cache: Mapping[str, Any]) -> Iterator[CheckMessage]:
    options = {name.lower() for name in cache.get("OPTIONS", {})}
    bounded = {"socket_timeout", "socket_connect_timeout"} <= options
    if any(rates.values()) and cache.get("BACKEND", "").endswith("RedisCache") and not bounded:
        hint = 'Set CACHES["default"]["OPTIONS"] = {"socket_timeout": 0.2, "socket_connect_timeout": 0.2}.'
        yield Alarm("Every throttled request waits for Redis without a time limit.", hint=hint, id="resources.W005")


def _schema(installed: Sequence[str]) -> Iterator[CheckMessage]:
    """Yield a warning if drf-spectacular is installed, but does not use the AutoSchema of this package (W006)."""
    if "drf_spectacular" not in installed:
        return
    from .schema import AutoSchema  # noqa: PLC0415 (drf-spectacular is optional)

    schema: Any = api_settings.DEFAULT_SCHEMA_CLASS
    if not issubclass(schema, AutoSchema):
        path = f"{PACKAGE}.schema.AutoSchema"
        hint = f'Set REST_FRAMEWORK["DEFAULT_SCHEMA_CLASS"] = "{path}", or a class that extends it.'
        yield Alarm(
            "The OpenAPI document lacks the scopes, or cannot be generated: DEFAULT_SCHEMA_CLASS is another class.",
            hint=hint,
            id="resources.W006",
        )
