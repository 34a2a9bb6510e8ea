"""Client metadata at the limits of its members' sizes, and the reasons for which metadata is refused."""

import pytest

from tests.tokens.assertions import jwks
from tokens.open_clients import client_metadata
from tokens.open_clients.metadata_member import InvalidMetadata

CALLBACK = "https://app.example/callback"
KEYS = {"token_endpoint_auth_method": "private_key_jwt"}


def read(changes):
    return client_metadata.read(
        {"redirect_uris": [CALLBACK]} | changes,
        methods=("none", "private_key_jwt"),
        default_method="none",
        grant_types=("authorization_code", "refresh_token"),
        loopback=False,
    )


def address(length, start="https://app.example/"):
    return start + "x" * (length - len(start))


@pytest.mark.parametrize(
    "changes",
    [
        {"client_name": "x" * 100},
        {"redirect_uris": [f"{CALLBACK}/{number}" for number in range(20)]},
        {"redirect_uris": [address(500)]},
        KEYS | {"jwks_uri": address(200)},
        {"backchannel_logout_uri": address(500)},
    ],
)
def test_members_of_the_greatest_size_are_accepted(changes):
    metadata = read(changes)
    for name, value in changes.items():
        assert getattr(metadata, name) == (tuple(value) if isinstance(value, list) else value)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"client_name": "x" * 101}, "client_name is longer than 100 characters."),
        ({"redirect_uris": [f"{CALLBACK}/{number}" for number in range(21)]}, "More than 20 redirect URIs."),
        ({"redirect_uris": [address(501)]}, "A redirect URI is too long."),
        (KEYS | {"jwks_uri": address(201)}, "jwks_uri is longer than 200 characters."),
        (KEYS | {"jwks_uri": "https://127.0.0.1/keys"}, "jwks_uri must have a host name in lower case"),
        (KEYS | {"jwks_uri": CALLBACK, "jwks": jwks()}, "private_key_jwt needs jwks or jwks_uri, and not both."),
        ({"backchannel_logout_uri": address(501)}, "backchannel_logout_uri is too long."),
        ({"backchannel_logout_uri": f"{CALLBACK}#x"}, "backchannel_logout_uri must not have a fragment."),
        ({"backchannel_logout_uri": "https://evil.example/x"}, "must have the origin of a redirect URI."),
    ],
)
def test_metadata_that_breaks_a_rule_is_refused_with_the_reason(changes, reason):
    with pytest.raises(InvalidMetadata) as refused:
        read(changes)
    assert reason in str(refused.value)
