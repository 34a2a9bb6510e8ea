"""Policies for token exchange in the admin, and their audit events."""

import pytest

from tests.tokens.events import events
from tests.tokens.factories import API, OTHER_API, make_client
from tokens.models import ExchangePolicy, Scope, User

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


def test_creating_changing_and_deleting_a_policy_are_audit_events(client, form):
    assert client.post(f"{PAGE}add/", form).status_code == 302
    made = ExchangePolicy.objects.get()
    assert [scope.name for scope in made.scopes.all()] == ["other:read"]
    assert client.post(f"{PAGE}{made.pk}/change/", form).status_code == 302, "without a change, without an event"
    further = Scope.objects.create(name="other:write", description="Write", api=made.api)
    more = form | {"scopes": [*form["scopes"], further.pk]}
    assert client.post(f"{PAGE}{made.pk}/change/", more).status_code == 302
    assert client.get(PAGE).status_code == 200
    chosen = {"action": "delete_selected", "_selected_action": [made.pk], "post": "yes"}
    assert client.post(PAGE, chosen).status_code == 302
    assert not ExchangePolicy.objects.exists()
    who, api = ("user:root", "client:notes"), {"api": OTHER_API}
    assert events() == [
        ("exchange_policy.created", *who, api | {"scopes": ["other:read"]}),
        ("exchange_policy.changed", *who, api | {"scopes": ["other:read", "other:read, other:write"]}),
        ("exchange_policy.deleted", *who, api),
    ]


def test_moving_a_policy_to_another_api_records_both_apis(client, form, apis):
    client.post(f"{PAGE}add/", form)
    moved = form | {"api": apis[API].pk, "scopes": [Scope.objects.get(name="notes:read").pk]}
    assert client.post(f"{PAGE}{ExchangePolicy.objects.get().pk}/change/", moved).status_code == 302
    changes = {"api": [f"{OTHER_API} ({OTHER_API})", f"{API} ({API})"], "scopes": ["other:read", "notes:read"]}
    assert events()[-1] == ("exchange_policy.changed", "user:root", "client:notes", changes)


def test_a_scope_of_another_api_is_refused_at_its_field(client, form, apis):
    page = client.post(f"{PAGE}add/", form | {"api": apis[API].pk})
    assert page.context["adminform"].form.errors == {"scopes": ["Not a scope of this API: other:read."]}
    assert not ExchangePolicy.objects.exists()
