"""Exchange policies in the admin: what a client may do with the tokens that it receives."""

import pytest

from tests.tokens.conftest import API, OTHER_API, make_client
from tokens.models import AuditEvent, ExchangePolicy, Scope, User

pytestmark = pytest.mark.django_db
PAGE = "/admin/tokens/exchangepolicy/"


@pytest.fixture
def form(client, apis):
    client.force_login(User.objects.create_superuser("root", "root@example.com", "x"))
    return {
        "client": make_client("notes", scopes=()).pk,
        "api": apis[OTHER_API].pk,
        "scopes": [Scope.objects.get(name="other:read").pk],
    }


def test_a_policy_is_made_and_ended_and_both_are_in_the_audit_trail(client, form):
    assert client.post(f"{PAGE}add/", form).status_code == 302
    made = ExchangePolicy.objects.get()
    assert [scope.name for scope in made.scopes.all()] == ["other:read"]
    event = AuditEvent.objects.get(action="exchange_policy.changed")
    assert (event.actor, event.subject) == ("user:root", "client:notes")
    assert event.details == {"api": OTHER_API, "scopes": ["other:read"]}
    assert client.get(PAGE).status_code == 200
    chosen = {"action": "delete_selected", "_selected_action": [made.pk], "post": "yes"}
    assert client.post(PAGE, chosen).status_code == 302
    assert not ExchangePolicy.objects.exists()
    assert AuditEvent.objects.get(action="exchange_policy.deleted").subject == "client:notes"


def test_a_scope_of_another_api_is_refused_at_its_field(client, form, apis):
    page = client.post(f"{PAGE}add/", form | {"api": apis[API].pk})
    assert page.context["adminform"].form.errors == {"scopes": ["Not a scope of this API: other:read."]}
    assert not ExchangePolicy.objects.exists()
