"""The system check of the admin's host name."""

import pytest

from tokens.checks.admin import check_admin_host


def ids() -> list[str | None]:
    return [message.id for message in check_admin_host()]


@pytest.mark.parametrize(
    ("host", "allowed", "expected"),
    [
        ("", ["issuer.example"], []),
        ("admin.example", ["issuer.example", "admin.example"], []),
        ("admin.issuer.example", [".issuer.example"], []),
        ("admin.example", ["*"], []),
        ("admin.example", ["issuer.example"], ["tokens.E701"]),
        ("admin.example", [], ["tokens.E701"]),
    ],
)
def test_the_host_of_the_admin_has_to_be_an_allowed_one(settings, host, allowed, expected):
    settings.ADMIN_HOST, settings.ALLOWED_HOSTS = host, allowed
    assert ids() == expected


def test_a_host_without_an_admin_has_no_effect(settings):
    settings.ADMIN_HOST, settings.ADMIN, settings.ALLOWED_HOSTS = "admin.example", False, ["admin.example"]
    assert ids() == ["tokens.W701"]
