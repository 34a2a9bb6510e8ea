"""The syntax of the WWW-Authenticate header, and the URL of the metadata that it names."""

import pytest
from django.test import override_settings

from resources.challenges import challenge, metadata_url, quoted


@pytest.mark.parametrize(
    ("value", "written"),
    [
        ("plain", '"plain"'),
        ('say "no"', '"say \\"no\\""'),
        ("back\\slash", '"back\\\\slash"'),
        ("line\r\nSet-Cookie: x", '"line??Set-Cookie: x"'),
        ("zoë\x7f", '"zo??"'),
        ("", '""'),
    ],
)
def test_a_value_cannot_leave_its_quotes(value: str, written: str) -> None:
    assert quoted(value) == written


@pytest.mark.parametrize(
    ("resource", "url"),
    [
        ("https://api.example", "https://api.example/.well-known/oauth-protected-resource"),
        ("https://api.example/", "https://api.example/.well-known/oauth-protected-resource"),
        ("https://api.example:8443/v1/", "https://api.example:8443/.well-known/oauth-protected-resource/v1"),
        ("https://api.example/v1?k=1", "https://api.example/.well-known/oauth-protected-resource/v1?k=1"),
        ("", ""),
    ],
)
def test_the_metadata_url_follows_rfc_9728(resource: str, url: str) -> None:
    assert metadata_url(resource) == url


def test_an_audience_that_is_no_url_has_no_metadata() -> None:
    conf = {"ISSUERS": ["https://issuer.example"], "AUDIENCE": ["urn:api"], "REALM": 'a "b"'}
    with override_settings(RESOURCE_SERVER=conf):
        assert challenge() == 'Bearer realm="a \\"b\\""'


def test_parameters_come_in_a_fixed_order_and_empty_ones_not_at_all() -> None:
    with override_settings(RESOURCE_SERVER={"ISSUERS": ["https://i.example"], "AUDIENCE": ["https://a.example/"]}):
        assert challenge("insufficient_scope", "why", scope="a b", max_age="") == (
            'Bearer realm="api", error="insufficient_scope", error_description="why", scope="a b", '
            'resource_metadata="https://a.example/.well-known/oauth-protected-resource"'
        )
