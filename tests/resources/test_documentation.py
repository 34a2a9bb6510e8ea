"""docs/resource-server.md agrees with the code of the resource server."""

import re
from pathlib import Path

import pytest

from resources import permissions, testing, throttles
from resources.settings.defaults import DEFAULTS, ISSUER_DEFAULTS

TEXT = (Path(__file__).resolve().parent.parent.parent / "docs" / "resource-server.md").read_text(encoding="utf-8")


def test_the_table_has_every_setting_with_its_default() -> None:
    rows = re.findall(r"^\| `([A-Z_]+)` \| `(.+?)` \|", TEXT, re.MULTILINE)
    assert dict(rows) == {name: repr(value) for name, value in DEFAULTS.items()}
    assert len(rows) == len(DEFAULTS)


@pytest.mark.parametrize("name", ISSUER_DEFAULTS)
def test_the_page_lists_every_entry_of_an_issuer(name: str) -> None:
    assert f"`{name}`" in TEXT or f'"{name}"' in TEXT


@pytest.mark.parametrize(
    "name",
    ["HasScopes", "HasAnyScope", "HasRequiredScopes", "RequireAcr", "MaxAuthAge", "RequireActive", "RequireDPoP"],
)
def test_the_table_lists_every_permission(name: str) -> None:
    assert f"| `{name}(" in TEXT
    assert hasattr(permissions, name)


def test_the_throttles_and_the_testing_kit_of_the_page_exist() -> None:
    assert all(hasattr(throttles, name) for name in ("ClientThrottle", "SubjectThrottle", "FailedTokens"))
    assert all(hasattr(testing, name) for name in ("bearer", "bad_tokens", "mint", "pinned"))
