"""The example values in recipes (registrations of known programs), and the real values that replace them."""

import pytest

from tokens.recipes.example import RealValues, fill

REAL = RealValues(
    issuer="https://id.corp", site="https://shop.corp", client_id="c1", secret="s1", scopes=["orders:read"]
)


@pytest.mark.parametrize(
    ("text", "filled"),
    [
        ("url = https://issuer.example/oauth/token", "url = https://id.corp/oauth/token"),
        ('authority="https://issuer.example/sso"', 'authority="https://id.corp"'),
        ("https://app.example/callback", "https://shop.corp/callback"),
        ("id: CLIENT_ID, secret: CLIENT_SECRET", "id: c1, secret: s1"),
        ('("files-api", "SECRET")', '("files-api", "s1")'),
        ("MY_CLIENT_IDS, SECRETS", "MY_CLIENT_IDS, SECRETS"),
        ("scope: openid notes:read", "scope: openid orders:read"),
        ('["openid", "notes:read"]', '["openid", "orders:read"]'),
    ],
)
def test_real_values_replace_the_example(text, filled):
    assert fill(text, REAL) == filled


@pytest.mark.parametrize(
    ("text", "filled"),
    [
        ("scope: openid profile notes:read", "scope: openid profile"),
        ("scope=openid,profile,notes:read", "scope=openid,profile"),
        ('["openid", "notes:read"]', '["openid"]'),
        ("['notes:read', 'openid']", "['openid']"),
        ('["notes:read"]', "[]"),
    ],
)
def test_without_an_api_its_scope_is_left_out(text, filled):
    assert fill(text, RealValues()) == filled


def test_several_scopes_stand_in_lists_and_texts():
    two = RealValues(scopes=["a", "b"])
    assert fill('["openid", "notes:read"] openid notes:read', two) == '["openid", "a", "b"] openid a b'


def test_a_secret_with_a_backslash_is_taken_as_it_is():
    assert fill("CLIENT_SECRET", RealValues(secret=r"a\1\g<0>")) == r"a\1\g<0>"


def test_an_api_s_identifier_host_and_scope_are_replaced():
    values = RealValues(
        identifier=("https://reports.example/", "https://r.corp/"), api_scopes=(["reports:read"], ["r:read", "r:write"])
    )
    text = 'server_name reports.example; AUDIENCE = ["https://reports.example/"]; HasScopes("reports:read")'
    assert fill(text, values) == 'server_name r.corp; AUDIENCE = ["https://r.corp/"]; HasScopes("r:read")'
