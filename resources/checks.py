"""System checks: settings under which verification would be weaker than it says, or would not work."""

from collections.abc import Iterator, Sequence
from typing import Any

from django.conf import settings
from django.contrib.auth import get_user_model
from django.core.checks import CheckMessage, Error, register
from django.core.checks import Warning as Alarm
from django.core.exceptions import ImproperlyConfigured

from resources.conf import ResourceServer, resource_server
from resources.fetch import is_allowed
from resources.jwk import FAMILIES

HANDLER = "resources.handler.exception_handler"
SESSIONS = "rest_framework.authentication.SessionAuthentication"


@register()
def check_settings(app_configs: Sequence[Any] | None, **_: Any) -> list[CheckMessage]:
    """Everything that can be said about the settings without the network."""
    del app_configs
    try:
        conf = resource_server()
    except (ImproperlyConfigured, ImportError, AttributeError, TypeError, ValueError) as error:
        return [Error(f"RESOURCE_SERVER cannot be read: {error}", id="resources.E001")]
    return [
        *_issuers(conf),
        *_audience(conf),
        *_local_users(conf),
        *_rest_framework(getattr(settings, "REST_FRAMEWORK", {})),
    ]


def _issuers(conf: ResourceServer) -> Iterator[CheckMessage]:
    urls = [issuer.url for issuer in conf.issuers]
    if not urls:
        yield Error("RESOURCE_SERVER['ISSUERS'] trusts nobody.", id="resources.E002")
    if len(set(urls)) != len(urls):
        yield Error("RESOURCE_SERVER['ISSUERS'] names an issuer twice.", id="resources.E003")
    for issuer in conf.issuers:
        for url in filter(None, (issuer.url, issuer.jwks_url, issuer.revocations_url)):
            if not is_allowed(url, allow_http=conf.allow_http) or "?" in issuer.url:
                hint = "Use https; http is for loopback."
                yield Error(f"{url} cannot be trusted with keys.", hint=hint, id="resources.E004")
        if not issuer.algorithms or issuer.algorithms - FAMILIES.keys():
            allowed = ", ".join(sorted(FAMILIES))
            hint = f"Asymmetric ones are: {allowed}. With a symmetric one this API could make tokens itself."
            yield Error(f"ALGORITHMS of {issuer.url} holds what may not be there.", hint=hint, id="resources.E005")
    if len(urls) > 1 and any(issuer.jwks_url == conf.issuers[0].jwks_url != "" for issuer in conf.issuers[1:]):
        yield Error("One JWKS_URL for several issuers lets each speak for the others.", id="resources.E006")
    if conf.allow_http:
        yield Alarm("DANGEROUSLY_ALLOW_HTTP: whoever is on the way can make tokens.", id="resources.W001")


def _audience(conf: ResourceServer) -> Iterator[CheckMessage]:
    if not conf.audience:
        hint = "Without it, a token for any other API would open this one."
        yield Error("RESOURCE_SERVER['AUDIENCE'] is empty.", hint=hint, id="resources.E007")


def _local_users(conf: ResourceServer) -> Iterator[CheckMessage]:
    if not conf.issuer_field and not conf.subject_field:
        return
    fields = {field.name for field in get_user_model()._meta.get_fields()}
    if not {conf.issuer_field, conf.subject_field} <= fields:
        hint = "Give the user model two fields, unique together, and name both: a sub means nothing without its issuer."
        yield Error("RESOURCE_SERVER['LOCAL_USERS'] names no fields.", hint=hint, id="resources.E008")


def _rest_framework(rest_framework: dict[str, Any]) -> Iterator[CheckMessage]:
    classes = rest_framework.get("DEFAULT_AUTHENTICATION_CLASSES", ())
    names = [one if isinstance(one, str) else f"{one.__module__}.{one.__qualname__}" for one in classes]
    if SESSIONS in names and not names.index(SESSIONS):
        hint = "Put JWTAuthentication first: DRF takes the challenge, and so the 401, from the first class."
        yield Alarm("SessionAuthentication comes first: 401 becomes 403.", hint=hint, id="resources.W002")
    handler = rest_framework.get("EXCEPTION_HANDLER", "")
    if (handler if isinstance(handler, str) else f"{handler.__module__}.{handler.__qualname__}") != HANDLER:
        hint = f'Set REST_FRAMEWORK["EXCEPTION_HANDLER"] = "{HANDLER}", or call it from your own and silence this.'
        yield Alarm("A missing scope will be refused without a challenge.", hint=hint, id="resources.W003")
