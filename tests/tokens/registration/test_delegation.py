"""The rights of a client that an administrator may give only with a special permission."""

import pytest

from tokens.models import Client, GrantType
from tokens.registration import delegation
from tokens.registration.delegation import Rights, required

ORDINARY = {"skips_consent": False, "grants": ["authorization_code"], "redirect_uris": ["https://app.example/cb"]}


def test_an_ordinary_client_needs_no_permission():
    assert required(Rights(**ORDINARY), allowed=[]) == {}
    assert required(Rights(**ORDINARY), allowed=["https://app.example"]) == {}


@pytest.mark.parametrize(
    ("right", "permission", "field"),
    [
        ({"skips_consent": True}, delegation.FIRST_PARTY, "skip_authorization"),
        ({"grants": [GrantType.JWT_BEARER.value]}, delegation.JWT_BEARER, "grants"),
        ({"grants": [GrantType.TOKEN_EXCHANGE.value]}, delegation.EXCHANGE, "grants"),
        ({"redirect_uris": ["https://app.example/cb", "https://evil.example/"]}, delegation.REDIRECT, "redirect_uris"),
    ],
)
def test_each_right_needs_its_permission(right, permission, field):
    assert required(Rights(**ORDINARY | right), allowed=["https://app.example"]) == {permission: field}


def test_every_permission_exists():
    names = {f"tokens.{name}" for name, _ in Client._meta.permissions}
    wanted = {delegation.FIRST_PARTY, delegation.JWT_BEARER, delegation.EXCHANGE, delegation.REDIRECT}
    assert names == wanted
