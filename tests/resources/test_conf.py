"""The settings, and the system checks over them."""

from pathlib import Path
from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.test import override_settings

from resources.checks import check_settings
from resources.conf import resource_server
from resources.keyset import DEVELOPMENT, PRODUCTION

GOOD: dict[str, Any] = {"ISSUERS": ["https://issuer.example"], "AUDIENCE": ["https://api.example/"]}


def found(**changes: Any) -> list[str]:
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
    assert (conf.revocations_every, conf.refuse_when_late, conf.allow_http) == (30, False, False)
    assert conf.timing is PRODUCTION
    assert (PRODUCTION.fresh, PRODUCTION.fresh_at_least, PRODUCTION.fresh_at_most, PRODUCTION.stale) == (
        300, 60, 3600, 3600,
    )  # fmt: skip
    assert (PRODUCTION.deadline, PRODUCTION.waiters, PRODUCTION.patience, PRODUCTION.longest_backoff) == (5, 8, 2, 60)
    assert (PRODUCTION.unknown_attempts, PRODUCTION.unknown_every) == (2, 10)
    assert (PRODUCTION.unknown_remembered, PRODUCTION.unknown_for) == (128, 60)


def test_settings_are_read_again_when_a_test_overrides_them() -> None:
    for policy, timing in (("development", DEVELOPMENT), ("production", PRODUCTION)):
        with override_settings(RESOURCE_SERVER={**GOOD, "KEY_POLICY": policy}):
            assert resource_server().timing is timing


def test_an_issuer_may_differ_from_the_rest(tmp_path: Path) -> None:
    (tmp_path / "jwks.json").write_text('{"keys":[]}')
    own = {
        "URL": "https://other.example/t",
        "ALGORITHMS": ["ES256"],
        "JWKS_URL": "https://other.example/keys",
        "PINNED_JWKS": str(tmp_path / "jwks.json"),
        "REVOCATIONS": True,
    }
    with override_settings(RESOURCE_SERVER={**GOOD, "ISSUERS": ["https://issuer.example", own]}):
        first, other = resource_server().issuers
    assert (first.algorithms, first.pinned_jwks, first.revocations_url) == ({"RS256"}, b"", "")
    assert (other.algorithms, other.jwks_url, other.pinned_jwks) == (
        {"ES256"}, "https://other.example/keys", b'{"keys":[]}',
    )  # fmt: skip
    assert other.revocations_url == "https://other.example/t/oauth/revocations"


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
    ],
)
def test_a_setting_that_means_nothing_is_an_error(changes: dict[str, Any]) -> None:
    with override_settings(RESOURCE_SERVER={**GOOD, **changes}), pytest.raises(ImproperlyConfigured):
        resource_server()
    assert found(**changes) == ["resources.E001"]


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, []),
        ({"ISSUERS": ["http://localhost:8000"]}, []),
        ({"ISSUERS": []}, ["resources.E002"]),
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
        (
            {"ISSUERS": ["https://a.example", "https://b.example"], "JWKS_URL": "https://a.example/jwks"},
            ["resources.E006"],
        ),
        ({"AUDIENCE": []}, ["resources.E007"]),
        ({"DENY": "nowhere.to.be.found"}, ["resources.E001"]),
        ({"LOCAL_USERS": {"ISSUER_FIELD": "iss"}}, ["resources.E008"]),
        ({"LOCAL_USERS": {"ISSUER_FIELD": "first_name", "SUBJECT_FIELD": "no_such_field"}}, ["resources.E008"]),
        ({"LOCAL_USERS": {"ISSUER_FIELD": "first_name", "SUBJECT_FIELD": "last_name"}}, []),
    ],
)
def test_a_check_names_what_would_be_weaker_than_it_says(changes: dict[str, Any], expected: list[str]) -> None:
    assert found(**changes) == expected


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
    ],
)
def test_a_check_names_what_would_answer_wrongly(settings: Any, changes: dict[str, Any], expected: list[str]) -> None:
    settings.REST_FRAMEWORK = {**settings.REST_FRAMEWORK, **changes}
    assert found() == expected


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
