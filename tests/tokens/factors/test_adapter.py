"""The issuer's name in authenticator apps, and the names of new passkeys."""

from urllib.parse import parse_qs, urlsplit

import pytest
from allauth.mfa.models import Authenticator

from tokens.factors.adapter import FactorAdapter
from tokens.models import User


@pytest.mark.parametrize(
    ("url", "name"),
    [
        ("https://issuer.example", "issuer.example"),
        ("https://issuer.example/login", "issuer.example"),
        ("http://localhost:8000", "localhost:8000"),
    ],
)
def test_an_authenticator_app_gets_the_issuers_host_and_port_as_its_name(settings, url, name):
    settings.ISSUER = settings.ISSUER | {"URL": url}
    address = FactorAdapter().build_totp_url(User(username="ada"), "SECRET")
    assert parse_qs(urlsplit(address).query)["issuer"] == [name]


def test_passkeys_of_a_user_are_numbered_from_one(user):
    kind = Authenticator.Type.WEBAUTHN
    Authenticator.objects.create(user=user, type=Authenticator.Type.TOTP, data={})
    assert FactorAdapter().generate_authenticator_name(user, kind) == "Passkey 1"
    Authenticator.objects.create(user=user, type=kind, data={})
    assert FactorAdapter().generate_authenticator_name(user, kind) == "Passkey 2"
