"""Each input of an inline table has an accessible name (WCAG 2.2, 4.1.2)."""

import re

import pytest

from tokens.models import Api, Scope

pytestmark = pytest.mark.django_db
CONTROL = re.compile(r'<(?:input|select|textarea)(?=[^>]*name="scopes-)(?![^>]*type="hidden")[^>]*>')


@pytest.fixture
def api():
    made = Api.objects.create(identifier="https://api.example/", name="API")
    Scope.objects.create(name="notes:read", description="Read", api=made)
    return made


def names(page: str) -> list[str | None]:
    """Return the accessible name of each visible control in the inline table of scopes.

    The name is None if a control has none.
    """
    return [
        label[1] if (label := re.search(r'aria-label="([^"]+)"', control)) else None
        for control in CONTROL.findall(page)
    ]


def test_each_input_of_a_row_is_named_by_its_column_and_its_row(admin_client, api):
    inputs = names(admin_client.get(f"/admin/tokens/api/{api.pk}/change/").content.decode())
    assert None not in inputs
    assert {"Name notes:read", "Description notes:read", "Only for groups notes:read", "Delete notes:read"} <= {*inputs}
    assert {"Name", "Description", "Only for groups"} <= {*inputs}  # the empty row


def test_a_label_follows_the_language_of_the_page(admin_client, api):
    page = admin_client.get(
        f"/admin/tokens/api/{api.pk}/change/", headers={"Accept": "text/html", "Accept-Language": "de"}
    )
    assert {"Beschreibung", "Beschreibung notes:read"} <= {*names(page.content.decode())}
