"""The settings of the resource server, and Django's system checks of them."""

import json
from dataclasses import fields
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from django.conf import settings as django_settings
from django.contrib.auth import get_user_model
from django.core.exceptions import ImproperlyConfigured
from django.db.models import UniqueConstraint
from django.test import override_settings
from rest_framework.permissions import BasePermission

from resources.checks import check_settings
from resources.conf import ResourceServer, resource_server
from resources.issuers.trusts import trusted_issuers
from resources.keysets.key_policy import DEVELOPMENT, PRODUCTION
from resources.permissions import HasScopes
from resources.settings.defaults import DEFAULTS
from resources.testing import SigningKey, jwks, shared_key

GOOD: dict[str, Any] = {"ISSUERS": ["https://issuer.example"], "AUDIENCE": ["https://api.example/"]}


Readers = HasScopes("orders:read")


class AnyUser(BasePermission):
    def has_permission(self, request: Any, view: Any) -> bool:
        return not request.user or request.method == "DELETE"


class Failing(BasePermission):
    def has_permission(self, request: Any, view: Any) -> bool:
        raise LookupError("no database here")


def check_ids(**changes: Any) -> list[str]:
    with override_settings(RESOURCE_SERVER={**GOOD, **changes}):
        return [message.id or "" for message in check_settings(None)]


def test_defaults_are_the_documented_ones() -> None:
    with override_settings(RESOURCE_SERVER=GOOD):
        conf = resource_server()
    (issuer,) = conf.issuers
    assert (issuer.url, issuer.algorithms, issuer.jwks_url, issuer.revocations_url) == (
        "https://issuer.example",
        {"RS256"},
        "",
        "",
    )
    assert (conf.audience, conf.resource, conf.realm) == ({"https://api.example/"}, "https://api.example/", "api")
    assert (conf.revocations_every, conf.refuse_when_late, conf.dangerously_allow_http) == (30, False, False)
    assert conf.timing is PRODUCTION
    assert (PRODUCTION.fresh, PRODUCTION.fresh_at_least, PRODUCTION.fresh_at_most, PRODUCTION.stale) == (
        300, 60, 3600, 3600,
    )  # fmt: skip
    assert (PRODUCTION.deadline, PRODUCTION.waiters, PRODUCTION.patience, PRODUCTION.longest_backoff) == (5, 8, 2, 60)
    assert (PRODUCTION.unknown_attempts, PRODUCTION.unknown_every) == (2, 10)
    assert (PRODUCTION.unknown_remembered, PRODUCTION.unknown_for) == (128, 60)


def test_the_field_of_a_dangerous_option_says_that_it_is_dangerous() -> None:
    dangerous = {name.lower() for name in DEFAULTS if name.startswith("DANGEROUSLY_")}
    assert len(dangerous) == 3
    assert dangerous <= {field.name for field in fields(ResourceServer)}


def test_settings_are_read_again_when_a_test_overrides_them() -> None:
    for policy, timing in (("development", DEVELOPMENT), ("production", PRODUCTION)):
        with override_settings(RESOURCE_SERVER={**GOOD, "KEY_POLICY": policy}):
            assert resource_server().timing is timing


def test_an_issuer_entry_overrides_the_common_settings(tmp_path: Path) -> None:
    key = SigningKey("ES256", ec.generate_private_key(ec.SECP256R1()))
    (tmp_path / "jwks.json").write_text(json.dumps(jwks(shared_key(), key)))
    own = {
        "URL": "https://other.example/t",
        "ALGORITHMS": ["ES256"],
        "JWKS_URL": "https://other.example/keys",
        "PINNED_JWKS": str(tmp_path / "jwks.json"),
        "REVOCATIONS": True,
    }
    with override_settings(RESOURCE_SERVER={**GOOD, "ISSUERS": ["https://issuer.example", own]}):
        first, other = resource_server().issuers
    assert (first.algorithms, first.pinned_keys, first.revocations_url) == ({"RS256"}, None, "")
    assert (other.algorithms, other.jwks_url) == ({"ES256"}, "https://other.example/keys")
    assert [(verdict.kid, bool(verdict.key)) for verdict in other.pinned_keys or ()] == [
        (shared_key().kid, False),
        (key.kid, True),
    ]
    assert other.revocations_url == "https://other.example/t/oauth/revocations"


@pytest.mark.parametrize(
    ("document", "reason"),
    [
        ("{", "not strict JSON"),
        ('{"foo": 1}', "the document is not a JWKS"),
        ('{"keys": []}', "it has no keys"),
        (json.dumps({"keys": [{**shared_key().jwk, "d": "c2VjcmV0"}, {}]}),
         "no key is usable (the first: it has private or symmetric members, so treat it as leaked)"),
        (json.dumps({"keys": [{**shared_key().jwk, "kid": str(n)} for n in range(101)]}), "more than 100 usable keys"),
    ],
    ids=["no JSON", "no JWKS", "no keys", "private key", "101 keys"],
)  # fmt: skip
def test_pinned_keys_that_verify_no_token_are_refused_with_the_reason(
    tmp_path: Path, document: str, reason: str
) -> None:
    (tmp_path / "jwks.json").write_text(document)
    message = (
        f"PINNED_JWKS of https://issuer.example is refused: {reason}. Pin a JWKS with public keys for its"
        " ALGORITHMS, or remove the entry to fetch the keys."
    )
    issuers = [{"URL": "https://issuer.example", "PINNED_JWKS": tmp_path / "jwks.json"}]
    with override_settings(RESOURCE_SERVER=GOOD | {"ISSUERS": issuers}):
        for read in (resource_server, trusted_issuers):
            with pytest.raises(ImproperlyConfigured) as refused:
                read()
            assert str(refused.value) == message
    assert check_ids(ISSUERS=issuers) == ["resources.E001"]


def test_pinned_keys_beside_a_wrong_algorithm_leave_the_error_to_the_algorithm() -> None:
    issuers = [{"URL": "https://issuer.example", "PINNED_JWKS": jwks()}]
    for algorithms in (["HS256"], ["RS256", "HS256"], []):
        assert check_ids(ISSUERS=issuers, ALGORITHMS=algorithms) == ["resources.E005"]


@pytest.mark.parametrize(
    "changes",
    [
        {"ISSUER": "https://typo.example"},
        {"ISSUERS": [{"URI": "https://typo.example"}]},
        {"AUDIENCE": [""]},
        {"AUDIENCE": [1]},
        {"KEY_POLICY": "fast"},
        {"REVOCATIONS_EVERY": 0},
        {"REVOCATIONS_EVERY": "30"},
        {"INTROSPECTION_FOR": True},
        {"REVOCATIONS_WHEN_LATE": "ignore"},
        {"LOCAL_USERS": {"EMAIL_FIELD": "email"}},
        {"LOCAL_USERS": {"ISSUER_FIELD": "iss"}},
        {"LOCAL_USERS": {"CREATE": True}},
        {"LOCAL_USERS": {"LINK_TABLE": "yes"}},
        {"LOCAL_USERS": {"LINK_TABLE": True, "ISSUER_FIELD": "iss", "SUBJECT_FIELD": "sub"}},
        {"LOCAL_USERS": {"LINK_TABLE": True, "CREATE": 1}},
        {"PATHS": ["api/"]},
        {"PATHS": [1]},
        {"SCOPES_SUPPORTED": [1]},
    ],
)
def test_a_malformed_setting_is_an_error(changes: dict[str, Any]) -> None:
    with override_settings(RESOURCE_SERVER={**GOOD, **changes}), pytest.raises(ImproperlyConfigured):
        resource_server()
    assert check_ids(**changes) == ["resources.E001"]


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, []),
        ({"ISSUERS": ["http://localhost:8000"]}, []),
        ({"ISSUERS": []}, ["resources.E002"]),
        ({"ISSUERS": ""}, ["resources.E002"]),
        ({"ISSUERS": [""]}, ["resources.E001"]),
        ({"ISSUERS": [{"URL": ""}]}, ["resources.E001"]),
        ({"ISSUERS": [{"ALGORITHMS": ["ES256"]}]}, ["resources.E001"]),
        ({"ISSUERS": ["https://a.example", "https://a.example"]}, ["resources.E003"]),
        ({"ISSUERS": ["http://issuer.example"]}, ["resources.E004"]),
        ({"ISSUERS": ["issuer.example"]}, ["resources.E004"]),
        ({"ISSUERS": ["https://issuer.example?x=1"]}, ["resources.E004"]),
        ({"JWKS_URL": "http://issuer.example/jwks"}, ["resources.E004"]),
        ({"REVOCATIONS": "http://issuer.example/feed"}, ["resources.E004"]),
        ({"ISSUERS": ["http://issuer.example"], "DANGEROUSLY_ALLOW_HTTP": True}, ["resources.W001"]),
        ({"ALGORITHMS": ["HS256"]}, ["resources.E005"]),
        ({"ALGORITHMS": ["RS256", "none"]}, ["resources.E005"]),
        ({"ALGORITHMS": []}, ["resources.E005"]),
        ({"ISSUERS": [{"URL": "https://issuer.example", "ALGORITHMS": []}]}, ["resources.E005"]),
        (
            {"ISSUERS": ["https://a.example", "https://b.example"], "JWKS_URL": "https://a.example/jwks"},
            ["resources.E006"],
        ),
        ({"AUDIENCE": []}, ["resources.E007"]),
        ({"DANGEROUSLY_ACCEPT_TYP_JWT": True}, ["resources.W007"]),
        ({"SCOPES": {"a": "A", "b": "B"}, "SCOPES_SUPPORTED": ["a"]}, []),
        ({"SCOPES": {"a": "A"}, "SCOPES_SUPPORTED": []}, []),
        ({"SCOPES": {"a": "A"}, "SCOPES_SUPPORTED": ["a", "b"]}, ["resources.E014"]),
        ({"REVOCATIONS": True, "REVOCATIONS_EVERY": 30, "REVOCATIONS_LATE_AFTER": 30}, ["resources.E013"]),
        ({"REVOCATIONS": True, "REVOCATIONS_EVERY": 30, "REVOCATIONS_LATE_AFTER": 31}, []),
        ({"REVOCATIONS_EVERY": 300}, []),
        ({"DENY": "nowhere.to.be.found"}, ["resources.E001"]),
        ({"LOCAL_USERS": {"ISSUER_FIELD": "first_name", "SUBJECT_FIELD": "no_such_field"}}, ["resources.E008"]),
        ({"LOCAL_USERS": {"ISSUER_FIELD": "first_name", "SUBJECT_FIELD": "last_name"}}, []),
        (
            {"LOCAL_USERS": {"ISSUER_FIELD": "first_name", "SUBJECT_FIELD": "last_name", "CREATE": True}},
            ["resources.E012"],
        ),
        ({"LOCAL_USERS": {"LINK_TABLE": True}}, []),
        ({"LOCAL_USERS": {"LINK_TABLE": True, "CREATE": "nowhere.to.be.found"}}, ["resources.E001"]),
        ({"PATHS": ["/api/"], "BEHIND_PROXY": True}, []),
    ],
)
def test_a_check_reports_settings_that_weaken_verification(changes: dict[str, Any], expected: list[str]) -> None:
    assert check_ids(**changes) == expected


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        (
            {
                "DEFAULT_AUTHENTICATION_CLASSES": [
                    "rest_framework.authentication.SessionAuthentication",
                    "resources.authentication.JWTAuthentication",
                ]
            },
            ["resources.W002"],
        ),
        ({"EXCEPTION_HANDLER": "rest_framework.views.exception_handler"}, ["resources.W003"]),
        ({"DEFAULT_PERMISSION_CLASSES": []}, ["resources.E009"]),
        ({"DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.AllowAny"]}, ["resources.E009"]),
        ({"DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticatedOrReadOnly"]}, ["resources.E009"]),
        ({"DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAdminUser"]}, []),
        (
            {
                "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.DjangoModelPermissionsOrAnonReadOnly"],
                "UNAUTHENTICATED_USER": "django.contrib.auth.models.AnonymousUser",
            },
            ["resources.E009"],
        ),
        ({"DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.DjangoModelPermissions"]}, []),
        ({"DEFAULT_PERMISSION_CLASSES": ["tests.resources.test_conf.Readers"]}, []),
        ({"DEFAULT_PERMISSION_CLASSES": ["tests.resources.test_conf.AnyUser"]}, ["resources.E009"]),
        ({"DEFAULT_PERMISSION_CLASSES": ["tests.resources.test_conf.Failing"]}, []),
        ({"DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema"}, ["resources.W006"]),
        ({"DEFAULT_SCHEMA_CLASS": "rest_framework.schemas.openapi.AutoSchema"}, ["resources.W006"]),
    ],
)
def test_a_check_reports_settings_that_cause_wrong_answers(
    settings: Any, changes: dict[str, Any], expected: list[str]
) -> None:
    settings.REST_FRAMEWORK = {**settings.REST_FRAMEWORK, **changes}
    assert check_ids() == expected


def test_default_permissions_that_accept_anonymous_requests_are_an_error_that_names_the_methods(settings: Any) -> None:
    rest_framework = {name: value for name, value in settings.REST_FRAMEWORK.items() if "PERMISSION" not in name}
    settings.REST_FRAMEWORK = rest_framework  # DRF's own default is AllowAny
    (error,) = [message for message in check_settings(None) if message.id == "resources.E009"]
    assert error.is_serious()
    assert error.msg == "Views without permission_classes answer GET, POST, PUT, PATCH, DELETE without a token."
    assert "DEFAULT_PERMISSION_CLASSES" in error.hint
    readable = ["rest_framework.permissions.IsAuthenticatedOrReadOnly"]
    settings.REST_FRAMEWORK = {**rest_framework, "DEFAULT_PERMISSION_CLASSES": readable}
    (error,) = [message for message in check_settings(None) if message.id == "resources.E009"]
    assert error.msg == "Views without permission_classes answer GET without a token."


def test_only_dangerously_allow_anonymous_silences_that_error(settings: Any) -> None:
    settings.REST_FRAMEWORK = {**settings.REST_FRAMEWORK, "DEFAULT_PERMISSION_CLASSES": []}
    assert check_ids(DANGEROUSLY_ALLOW_ANONYMOUS=False) == ["resources.E009"]
    assert check_ids(DANGEROUSLY_ALLOW_ANONYMOUS=True) == []


@pytest.mark.parametrize(
    ("taken", "added", "expected"),
    [
        ("", "", []),
        ("resources.middleware.no_store", "", ["resources.E010"]),
        ("resources.middleware.json_errors", "", []),
        ("", "django.middleware.cache.FetchFromCacheMiddleware", ["resources.W004"]),
    ],
)
def test_answers_that_a_cache_can_store_are_an_error(
    settings: Any, taken: str, added: str, expected: list[str]
) -> None:
    names = [name for name in settings.MIDDLEWARE if name != taken]
    settings.MIDDLEWARE = [*names, added] if added else names
    assert check_ids() == expected


@pytest.mark.parametrize(
    ("rates", "backend", "options", "expected"),
    [
        ({"client": "5/min"}, "django.core.cache.backends.redis.RedisCache", {}, ["resources.W005"]),
        ({"client": "5/min"}, "django_redis.cache.RedisCache", {"SOCKET_TIMEOUT": 1}, ["resources.W005"]),
        (
            {"client": "5/min"},
            "django_redis.cache.RedisCache",
            {"SOCKET_TIMEOUT": 1, "SOCKET_CONNECT_TIMEOUT": 1},
            [],
        ),
        ({"client": "5/min"}, "django.core.cache.backends.locmem.LocMemCache", {}, []),
        ({}, "django.core.cache.backends.redis.RedisCache", {}, []),
        ({"client": None}, "django.core.cache.backends.redis.RedisCache", {}, []),
    ],
)
def test_a_redis_without_timeouts_is_a_warning(
    settings: Any, rates: dict[str, str], backend: str, options: dict[str, Any], expected: list[str]
) -> None:
    settings.REST_FRAMEWORK = {**settings.REST_FRAMEWORK, "DEFAULT_THROTTLE_RATES": rates}
    cache = {"BACKEND": backend, "LOCATION": "redis://127.0.0.1:1/0", "OPTIONS": options}
    with patch.object(django_settings, "CACHES", {**settings.CACHES, "default": cache}):
        assert check_ids() == expected


def test_a_link_table_that_is_not_installed_is_an_error(settings: Any) -> None:
    settings.INSTALLED_APPS = [name for name in settings.INSTALLED_APPS if name != "resources.user_links"]
    assert check_ids(LOCAL_USERS={"LINK_TABLE": True}) == ["resources.E011"]


def test_create_needs_fields_that_are_unique_together() -> None:
    constraint = UniqueConstraint(fields=["last_name", "first_name"], name="one_user_per_subject")
    fields = {"ISSUER_FIELD": "first_name", "SUBJECT_FIELD": "last_name", "CREATE": True}
    options = get_user_model()._meta
    with patch.object(options, "constraints", [*options.constraints, constraint]):
        options.__dict__.pop("total_unique_constraints", None)
        assert check_ids(LOCAL_USERS=fields) == []
    options.__dict__.pop("total_unique_constraints", None)
    assert check_ids(LOCAL_USERS=fields) == ["resources.E012"]


@pytest.mark.parametrize(
    ("jwks_url", "feed"),
    [
        ("", "https://issuer.example/oauth/revocations"),
        ("https://issuer.example/.well-known/jwks.json", "https://issuer.example/oauth/revocations"),
        ("https://issuer.example/.well-known/jwks/orders.json", "https://issuer.example/oauth/revocations/orders"),
        ("https://other.example/.well-known/jwks/orders.json", "https://issuer.example/oauth/revocations"),
        ("https://issuer.example/.well-known/jwks/a/b.json", "https://issuer.example/oauth/revocations"),
        ("https://issuer.example/.well-known/jwks/.json", "https://issuer.example/oauth/revocations"),
    ],
)
def test_an_api_with_a_ring_of_its_own_follows_the_feed_that_the_ring_signs(
    settings: Any, jwks_url: str, feed: str
) -> None:
    settings.RESOURCE_SERVER = {
        "ISSUERS": ["https://issuer.example"],
        "AUDIENCE": ["https://api.example/"],
        "JWKS_URL": jwks_url,
        "REVOCATIONS": True,
    }
    assert resource_server().issuers[0].revocations_url == feed


def proofs(**changes: Any) -> Any:
    with override_settings(RESOURCE_SERVER={**GOOD, **changes}):
        return resource_server().dpop


@pytest.mark.parametrize(
    ("changes", "url"),
    [
        ({}, "https://api.example"),
        ({"AUDIENCE": ["https://api.example:8443/v1/notes"]}, "https://api.example:8443"),
        ({"RESOURCE": "https://other.example/x"}, "https://other.example"),
        ({"AUDIENCE": ["urn:api"], "PUBLIC_URL": "https://api.example/v1/"}, "https://api.example/v1"),
    ],
)
def test_the_public_url_is_configured_or_that_of_the_resource(changes: dict[str, Any], url: str) -> None:
    assert proofs(**changes).public_url == url


def test_proofs_are_stored_for_as_long_as_they_are_accepted() -> None:
    assert proofs().remembered_for == 90
    assert proofs(DPOP_PROOF_SECONDS=300).remembered_for == 330
    assert proofs(DPOP_NONCES=True).remembered_for == 120


@pytest.mark.parametrize("off", [{"DPOP_ALGORITHMS": []}, {"AUDIENCE": ["urn:api"]}])
def test_dpop_is_off_without_algorithms_or_a_public_url_and_cannot_be_required_then(off: dict[str, Any]) -> None:
    assert proofs(**off) is None
    with pytest.raises(ImproperlyConfigured):
        proofs(**off, DPOP_REQUIRED=True)


@pytest.mark.parametrize(
    "wrong",
    [
        *({"DPOP_ALGORITHMS": value} for value in (["HS256"], ["none"], ["ES256", ""])),
        *(
            {"PUBLIC_URL": url}
            for url in ("api.example", "ftp://a.example", "https://a.example/?x", "https://u@a.example")
        ),
        *({"DPOP_PROOF_SECONDS": value} for value in (0, -1, 301, "60", True, None)),
    ],
    ids=str,
)
def test_a_wrong_setting_of_dpop_is_an_error(wrong: dict[str, Any]) -> None:
    with pytest.raises(ImproperlyConfigured):
        proofs(**wrong)


def test_a_replay_cache_that_processes_do_not_share_is_an_error(settings: Any) -> None:
    assert check_ids(DPOP_REPLAY_CACHE="default") == ["resources.E015"]
    assert check_ids(DPOP_REPLAY_CACHE="missing") == ["resources.E015"]
    shared = {"BACKEND": "django.core.cache.backends.redis.RedisCache", "LOCATION": "redis://127.0.0.1:1/0"}
    with patch.object(django_settings, "CACHES", {**settings.CACHES, "proofs": shared}):
        assert check_ids(DPOP_REPLAY_CACHE="proofs") == []


def test_the_nonces_are_made_with_the_secret_key_of_the_project(settings: Any) -> None:
    settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = "new", ["old"]
    assert proofs(DPOP_NONCES=True).rules.nonces.keys == (b"new", b"old")
    assert proofs().rules.nonces is None


def test_a_secret_key_that_a_test_overrides_makes_the_nonces() -> None:
    def keys() -> tuple[bytes, ...]:
        dpop = resource_server().dpop
        assert dpop is not None
        assert dpop.rules.nonces is not None
        return dpop.rules.nonces.keys

    own = {"SECRET_KEY": "first", "SECRET_KEY_FALLBACKS": []}
    with override_settings(RESOURCE_SERVER={**GOOD, "DPOP_NONCES": True}, **own):
        assert keys() == (b"first",)
        with override_settings(SECRET_KEY="new"):
            assert keys() == (b"new",)
        with override_settings(SECRET_KEY_FALLBACKS=["old"]):
            assert keys() == (b"first", b"old")
        assert keys() == (b"first",)
