"""The notes API: two users with their own notes, and each way in which a request is refused."""

import json
from typing import Any

import pytest
from django.test import Client

from resources.notes.models import Note
from resources.testing import bearer, mint, pinned

pytestmark = [pytest.mark.django_db(databases=["default", "api"])]
METADATA = 'resource_metadata="http://localhost:8001/.well-known/oauth-protected-resource"'


def call(client: Client, method: str, path: str, *, scope: str, body: Any = None, **claims: Any) -> Any:
    with pinned():
        return client.generic(
            method,
            path,
            json.dumps(body) if body is not None else b"",
            content_type="application/json",
            headers=bearer(mint(scope, **claims)),
        )


def test_a_user_writes_reads_changes_and_deletes_a_note_that_no_other_user_sees(client: Client) -> None:
    made = call(client, "POST", "/api/notes/", scope="notes:write", sub="alice", body={"title": "One", "body": "…"})
    assert made.status_code == 201
    note = made.json()
    assert list(note) == ["id", "title", "body", "created_at", "updated_at"]
    path = f"/api/notes/{note['id']}/"

    assert call(client, "GET", path, scope="notes:read", sub="alice").json() == note
    listed = call(client, "GET", "/api/notes/", scope="notes:read", sub="alice").json()
    assert listed == {"count": 1, "next": None, "previous": None, "results": [note]}

    for stranger in ({"sub": "bob"}, {"sub": "alice", "iss": "http://localhost:8000"}):
        listed = call(client, "GET", "/api/notes/", scope="notes:read", **stranger).json()
        assert listed["count"] == (1 if stranger["sub"] == "alice" else 0)
    for method in ("GET", "PUT", "PATCH", "DELETE"):
        scope = "notes:read" if method == "GET" else "notes:write"
        assert call(client, method, path, scope=scope, sub="bob", body={"title": "Mine"}).status_code == 404

    changed = call(client, "PATCH", path, scope="notes:write", sub="alice", body={"title": "Two"})
    assert (changed.status_code, changed.json()["title"]) == (200, "Two")
    assert call(client, "DELETE", path, scope="notes:write", sub="alice").status_code == 204
    assert call(client, "GET", path, scope="notes:read", sub="alice").status_code == 404


def test_the_same_sub_of_another_issuer_is_another_user(client: Client) -> None:
    Note.objects.create(iss="https://other.example", sub="alice", title="Theirs")
    assert call(client, "GET", "/api/notes/", scope="notes:read", sub="alice").json()["count"] == 0


def test_the_body_cannot_set_the_owner_of_a_note(client: Client) -> None:
    body = {"title": "x", "sub": "bob", "iss": "https://other.example", "id": 77}
    note = call(client, "POST", "/api/notes/", scope="notes:write", sub="alice", body=body).json()
    assert Note.objects.filter(pk=note["id"], sub="alice", iss="http://localhost:8000").exists()


@pytest.mark.parametrize(
    ("method", "path", "needed"),
    [
        ("GET", "/api/notes/", "notes:read"),
        ("GET", "/api/notes/1/", "notes:read"),
        ("POST", "/api/notes/", "notes:write"),
        ("PUT", "/api/notes/1/", "notes:write"),
        ("PATCH", "/api/notes/1/", "notes:write"),
        ("DELETE", "/api/notes/1/", "notes:write"),
    ],
)
@pytest.mark.parametrize("scope", ["", "notes", "notes:read_all", "NOTES:READ", "other"])
def test_without_the_scope_the_answer_names_it(client: Client, method: str, path: str, needed: str, scope: str) -> None:
    answer = call(client, method, path, scope=scope, body={"title": "x"})
    assert answer.status_code == 403
    assert answer["WWW-Authenticate"] == (
        'Bearer realm="api", error="insufficient_scope", error_description="The token\'s scope is not enough", '
        f'scope="{needed}", {METADATA}'
    )
    assert answer.json() == {"error": "insufficient_scope", "detail": "The token's scope is not enough"}


def test_reading_is_not_writing_and_writing_is_not_reading(client: Client) -> None:
    assert call(client, "POST", "/api/notes/", scope="notes:read", body={"title": "x"}).status_code == 403
    assert call(client, "GET", "/api/notes/", scope="notes:write").status_code == 403
    assert Note.objects.count() == 0


def test_a_method_that_is_not_mapped_is_refused(client: Client) -> None:
    answer = call(client, "OPTIONS", "/api/notes/", scope="notes:read notes:write")
    assert (answer.status_code, "WWW-Authenticate" in answer) == (403, False)


def test_notes_come_in_pages_of_twenty_and_at_most_a_hundred(client: Client) -> None:
    owner = {"iss": "http://localhost:8000", "sub": "alice"}
    Note.objects.bulk_create(Note(title=str(number), **owner) for number in range(120))
    first = call(client, "GET", "/api/notes/", scope="notes:read", sub="alice").json()
    most = call(client, "GET", "/api/notes/?page_size=1000", scope="notes:read", sub="alice").json()
    assert (first["count"], len(first["results"]), len(most["results"])) == (120, 20, 100)
    assert call(client, "GET", "/api/notes/?page=x", scope="notes:read", sub="alice").status_code == 404


@pytest.mark.parametrize("key", ["0", "-1", "x", "1" * 40, "1%00", "%F0%9F%98%80"])
def test_a_strange_identifier_is_not_found(client: Client, key: str) -> None:
    assert call(client, "GET", f"/api/notes/{key}/", scope="notes:read").status_code == 404


@pytest.mark.parametrize(
    "body", [{}, {"title": ""}, {"title": "a\0b"}, {"title": "x" * 201}, {"title": ["x"]}, [], None, "x", 7]
)
def test_a_strange_body_is_a_bad_request(client: Client, body: Any) -> None:
    assert call(client, "POST", "/api/notes/", scope="notes:write", body=body).status_code == 400


def test_the_export_needs_a_phishing_resistant_login(client: Client) -> None:
    call(client, "POST", "/api/notes/", scope="notes:write", sub="alice", body={"title": "One", "body": "…"})
    for weaker in ({}, {"acr": "urn:keyturn:acr:password"}, {"acr": "PHR"}):
        answer = call(client, "GET", "/api/notes/export/", scope="notes:read", sub="alice", **weaker)
        assert answer.status_code == 401
        challenge = answer["WWW-Authenticate"]
        assert 'error="insufficient_user_authentication"' in challenge
        assert 'acr_values="phr"' in challenge
    [note] = call(client, "GET", "/api/notes/export/", scope="notes:read", sub="alice", acr="phr").json()
    assert note["title"] == "One"
    assert call(client, "GET", "/api/notes/export/", scope="notes:read", sub="bob", acr="phr").json() == []
    assert call(client, "GET", "/api/notes/export/", scope="notes:write", sub="alice", acr="phr").status_code == 403
