"""APIs and their scopes in the admin, and their audit events."""

import pytest

from tokens.models import Api, AuditEvent, Client, Scope

pytestmark = pytest.mark.django_db
LIST = "/admin/tokens/api/"
NOTES = {
    "name": "Notes",
    "identifier": "https://notes.example/",
    "algorithms": '["RS256"]',
    "scopes-TOTAL_FORMS": "1",
    "scopes-INITIAL_FORMS": "0",
    "scopes-0-name": "notes:read",
    "scopes-0-description": "Read your notes",
}


@pytest.fixture
def notes(admin):
    assert admin.post(f"{LIST}add/", NOTES).status_code == 302
    return Api.objects.get()


def events():
    """Return the audit events since the administrator logged in."""
    seen = AuditEvent.objects.exclude(action__startswith="user.").order_by("pk")
    assert {event.actor for event in seen} <= {"user:root"}
    return [(event.action, event.subject, event.details) for event in seen]


def rows(api, *changes):
    """Return the form fields for the rows of an API's scopes.

    Each of `changes` has the form fields of one row. The first rows are the existing scopes, sorted by name. Further
    rows add scopes.
    """
    scope_rows = list(api.scopes.order_by("name"))
    sent = {"scopes-TOTAL_FORMS": len(changes), "scopes-INITIAL_FORMS": len(scope_rows)}
    for number, change in enumerate(changes):
        own = {"id": scope_rows[number].pk, "api": api.pk} if number < len(scope_rows) else {"id": "", "api": api.pk}
        sent |= {f"scopes-{number}-{name}": value for name, value in (own | change).items()}
    return sent


def test_an_api_is_added_with_its_scopes(notes):
    assert [(scope.name, scope.description) for scope in notes.scopes.all()] == [("notes:read", "Read your notes")]
    assert events() == [
        ("api.created", "api:https://notes.example/", {"name": "Notes"}),
        ("scope.created", "scope:notes:read", {"api": "https://notes.example/"}),
    ]


def test_each_change_of_an_api_and_its_scopes_is_an_audit_event(admin, notes):
    Client.objects.create(client_id="notes", name="The notes service")
    before = len(events())
    read = {"name": "notes:peruse", "description": "Read your notes"}
    write = {"name": "notes:write", "description": "Change your notes"}
    changed = {"max_token_lifetime": "00:05:00", "client": Client.objects.get().pk}
    answer = admin.post(f"{LIST}{notes.pk}/change/", NOTES | changed | rows(notes, read, write))
    assert answer.status_code == 302
    assert sorted(Scope.objects.values_list("name", flat=True)) == ["notes:peruse", "notes:write"]
    api = {"api": "https://notes.example/"}
    details = {"max_token_lifetime": ["None", "0:05:00"], "client": ["None", "notes"]}
    assert events()[before:] == [
        ("api.changed", "api:https://notes.example/", details),
        ("scope.created", "scope:notes:write", api),
        ("scope.changed", "scope:notes:peruse", api | {"name": ["notes:read", "notes:peruse"]}),
    ]


def test_the_audit_trail_names_the_client_of_an_api_by_its_client_id(admin, notes):
    for name in ("one", "two"):
        Client.objects.create(client_id=name, name="Same name")
        chosen = {"client": Client.objects.get(client_id=name).pk}
        admin.post(
            f"{LIST}{notes.pk}/change/", NOTES | chosen | rows(notes, {"name": "notes:read", "description": "R"})
        )
    details = [event for action, _, event in events() if action == "api.changed"]
    assert details == [{"client": ["None", "one"]}, {"client": ["one", "two"]}]


def test_saving_an_unchanged_page_records_no_event(admin, notes):
    before = events()
    row = {"name": "notes:read", "description": "Read your notes"}
    assert admin.post(f"{LIST}{notes.pk}/change/", NOTES | rows(notes, row)).status_code == 302
    assert events() == before


def test_a_scope_and_then_its_api_are_deleted(admin, notes):
    row = {"name": "notes:read", "description": "Read your notes", "DELETE": "on"}
    admin.post(f"{LIST}{notes.pk}/change/", NOTES | rows(notes, row))
    assert not Scope.objects.exists()
    chosen = {"action": "delete_selected", "_selected_action": [notes.pk], "post": "yes"}
    assert admin.post(LIST, chosen).status_code == 302
    assert not Api.objects.exists()
    assert events()[-2:] == [
        ("scope.deleted", "scope:notes:read", {"api": "https://notes.example/"}),
        ("api.deleted", "api:https://notes.example/", {}),
    ]


@pytest.mark.parametrize("lifetime", ["-1 00:00:00", "00:00:00", "4000000 00:00:00"])
def test_a_cap_out_of_bounds_is_refused_at_its_field(admin, lifetime):
    page = admin.post(f"{LIST}add/", NOTES | {"max_token_lifetime": lifetime})
    assert "max_token_lifetime" in page.context["adminform"].form.errors
    assert not Api.objects.exists()


@pytest.mark.parametrize("algorithms", ["5", '"RS256"', "{}", "[]", '["none"]', "[5]", "nonsense"])
def test_algorithms_that_are_not_a_list_are_refused_at_their_field(admin, notes, algorithms):
    answer = admin.post(f"{LIST}{notes.pk}/change/", NOTES | rows(notes) | {"algorithms": algorithms})
    assert answer.status_code == 200
    assert answer.context["adminform"].errors.keys() == {"algorithms"}
    notes.refresh_from_db()
    assert notes.algorithms == ["RS256"]


SWITCHES = ("introspection_names_user", "lists_audience", "dangerously_issues_typ_jwt")


@pytest.mark.parametrize("name", SWITCHES)
def test_each_switch_is_set_and_cleared_with_an_event(admin, notes, name):
    row = {"name": "notes:read", "description": "Read your notes"}
    before = len(events())
    for sent, stored in (({name: "on"}, True), ({}, False)):
        assert admin.post(f"{LIST}{notes.pk}/change/", NOTES | sent | rows(notes, row)).status_code == 302
        notes.refresh_from_db()
        assert {other: bool(getattr(notes, other)) for other in SWITCHES} == dict.fromkeys(SWITCHES, False) | {
            name: stored
        }
    assert [details for _, _, details in events()[before:]] == [{name: ["False", "True"]}, {name: ["True", "False"]}]


def test_the_event_of_a_new_api_names_its_switches(admin):
    admin.post(f"{LIST}add/", NOTES | {"dangerously_issues_typ_jwt": "on"})
    assert events()[0][2]["dangerously_issues_typ_jwt"] is True


def test_the_page_says_when_to_use_a_switch(admin, notes):
    page = admin.get(f"{LIST}{notes.pk}/change/").content.decode()
    assert "DANGEROUS: tokens of the type JWT" in page
    assert "Only for a verifier that refuses at+jwt" in page
    assert "the base URL with the slash at its end" in page


@pytest.mark.parametrize(
    ("identifier", "why"),
    [
        ("https://notes.example", "This is the same URI as https://notes.example/, of the API Notes."),
        ("http://localhost:8000/", "This is the issuer itself."),
    ],
)
def test_an_identifier_that_means_the_same_as_another_is_refused_at_its_field(admin, notes, identifier, why):
    other = {"name": "Other", "identifier": identifier, "scopes-0-name": "other:read"}
    page = admin.post(f"{LIST}add/", NOTES | other)
    assert why in str(page.context["adminform"].form.errors["identifier"])
    assert admin.post(f"{LIST}add/", NOTES | other | {"identifier": "https://notes.example/v1"}).status_code == 302


def test_an_api_that_was_registered_under_such_an_identifier_can_still_be_changed(admin, notes):
    row = {"name": "notes:read", "description": "Read your notes"}
    for identifier in ("http://localhost:8000/", "https://notes.example"):
        Api.objects.filter(pk=notes.pk).update(identifier=identifier)
        Api.objects.get_or_create(identifier="https://notes.example/", name="Notes")
        changed = NOTES | rows(notes, row) | {"identifier": identifier, "max_token_lifetime": "00:05:00"}
        assert admin.post(f"{LIST}{notes.pk}/change/", changed).status_code == 302
