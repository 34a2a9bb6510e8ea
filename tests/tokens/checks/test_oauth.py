"""The system checks of the OAuth settings.

They report an issuer URL that is not https, and unsafe settings of django-oauth-toolkit. The issuer then refuses to
start.
"""

import pytest
from django.conf import settings
from django.test import override_settings

from tokens.checks.oauth import REQUIRED, check_oauth


def test_the_settings_of_the_issuer_pass():
    assert check_oauth() == []


@pytest.mark.parametrize("url", ["http://issuer.example", "http://localhost.evil.example"])
def test_an_issuer_without_https_is_an_error(url):
    provider = settings.OAUTH2_PROVIDER | {"OIDC_ISS_ENDPOINT": url}
    with override_settings(ISSUER=settings.ISSUER | {"URL": url}, OAUTH2_PROVIDER=provider):
        assert [error.id for error in check_oauth()] == ["tokens.E201"]


@pytest.mark.parametrize("name", ["OAUTH2_BACKEND_CLASS", "OAUTH2_VALIDATOR_CLASS", "OIDC_SERVER_CLASS"])
def test_a_class_of_the_toolkit_is_an_error(name):
    provider = {key: value for key, value in settings.OAUTH2_PROVIDER.items() if key != name}
    with override_settings(OAUTH2_PROVIDER=provider):
        assert [error.id for error in check_oauth()] == ["tokens.E202"]


@pytest.mark.parametrize("name", ["PKCE_REQUIRED", "COMPLIANT_BCP_RFC9700_PASSWORD_GRANT"])
@pytest.mark.parametrize("value", [False, None, "true"])
def test_a_disabled_switch_of_the_toolkit_is_an_error(name, value):
    with override_settings(OAUTH2_PROVIDER=settings.OAUTH2_PROVIDER | {name: value}):
        assert [error.id for error in check_oauth()] == ["tokens.E204"]


def test_every_enabled_switch_of_the_settings_is_checked():
    closed = {name for name, value in settings.OAUTH2_PROVIDER.items() if value is True}
    assert closed - {"OIDC_ENABLED"} == set(REQUIRED)


def test_a_different_issuer_in_the_toolkit_s_settings_is_an_error():
    with override_settings(OAUTH2_PROVIDER=settings.OAUTH2_PROVIDER | {"OIDC_ISS_ENDPOINT": ""}):
        assert [error.id for error in check_oauth()] == ["tokens.E203"]
