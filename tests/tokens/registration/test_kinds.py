"""The kinds of clients, such as web or service. The admin and `create_client --kind` read the same data."""

from pathlib import Path

import pytest

import tokens
from tokens.models import GrantType
from tokens.registration import kinds
from tokens.registration.kinds import BY_NAME, KINDS

SNIPPETS = Path(tokens.__file__).parent / "templates" / "tokens" / "snippets"


def test_names_are_unique_and_the_issue_s_six_kinds_exist():
    assert len(BY_NAME) == len(KINDS)
    assert {"web", "spa", "native", "service", "device", "api"} <= BY_NAME.keys()


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_a_kind_has_existing_grant_types_and_snippets(kind):
    assert set(kind.grants) <= set(GrantType.values)
    assert [snippet.template for snippet in kind.snippets if not (SNIPPETS / snippet.template).is_file()] == []
    assert kind.snippets


def test_every_snippet_belongs_to_a_kind():
    used = {snippet.template for kind in KINDS for snippet in kind.snippets}
    assert {path.name for path in SNIPPETS.iterdir()} == used


@pytest.mark.parametrize(
    ("redirect_uris", "expected"),
    [
        (["https://app.example/cb", "https://app.example/other"], ("https://app.example",)),
        (["http://localhost:3000/cb", "https://b.example/cb"], ("http://localhost:3000", "https://b.example")),
        (["com.example.app:/cb"], ()),
        (["https://[broken/cb"], ()),
        ([], ()),
    ],
)
def test_origins_are_those_of_web_redirect_uris_each_once(redirect_uris, expected):
    assert kinds.origins(redirect_uris) == expected


def test_only_a_kind_that_calls_from_the_browser_gets_origins():
    assert kinds.policy(BY_NAME["spa"], ["https://app.example/cb"]) == {"allowed_origins": "https://app.example"}
    assert kinds.policy(BY_NAME["web"], ["https://app.example/cb"]) == {}


OPTIONS = {"kind": "spa", "name": "A", "grants": [], "public": False, "redirect_uris": [], "origins": []}
CALLBACK = ["https://app.example/cb"]


def test_options_without_a_kind_stay_as_they_are():
    assert kinds.completed(OPTIONS | {"kind": None}) == OPTIONS | {"kind": None}


def test_a_kind_adds_its_grant_types_its_type_and_the_origins_of_the_redirect_uris():
    completed = kinds.completed(
        OPTIONS | {"redirect_uris": CALLBACK, "grants": ["refresh_token", "client_credentials"]}
    )
    assert completed["grants"] == ["authorization_code", "refresh_token", "client_credentials"]
    assert (completed["public"], completed["redirect_uris"], completed["name"]) == (True, CALLBACK, "A")
    assert (completed["origins"], completed["kind_policy"]) == (["https://app.example"], BY_NAME["spa"].policy)


def test_origins_of_the_operator_replace_those_of_the_redirect_uris():
    completed = kinds.completed(OPTIONS | {"redirect_uris": CALLBACK, "origins": ["https://b.example"]})
    assert completed["origins"] == ["https://b.example"]


def test_a_kind_that_does_not_call_from_the_browser_has_no_origins_and_a_native_one_a_redirect_uri():
    assert kinds.completed(OPTIONS | {"kind": "web", "redirect_uris": CALLBACK})["origins"] == []
    assert kinds.completed(OPTIONS | {"kind": "native"})["redirect_uris"] == ["http://127.0.0.1/callback"]
    own = kinds.completed(OPTIONS | {"kind": "native", "redirect_uris": ["com.example:/cb"]})
    assert own["redirect_uris"] == ["com.example:/cb"]
