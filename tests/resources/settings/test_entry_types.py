"""The types of the entries of RESOURCE_SERVER: which values are accepted, and which are refused by the entry's name."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.test import override_settings
from django.utils.translation import gettext_lazy

from resources.checks import check_settings
from resources.conf import resource_server
from resources.settings.defaults import DEFAULTS, ISSUER_DEFAULTS, LOCAL_USERS_DEFAULTS
from resources.testing import jwks, shared_key

ISSUER = "https://issuer.example"
GOOD: dict[str, Any] = {"ISSUERS": [ISSUER], "AUDIENCE": ["https://api.example/"]}
Values = tuple[list[Any], list[Any]]

FLAG: Values = ([True, False], ["False", "false", "0", "", "True", 0, 1, None, [], [True]])
TEXT: Values = (["", "text"], [None, 1, True, b"text", ["text"], {}])
TEXTS: Values = ([["a", "b"], ("a",), {"a"}, "a"], [None, 1, True, b"a", {"a": "b"}, [1], [None], [""], "", [["a"]]])
UNSPLIT = [["a,b"], ["a", " b"], ["a "], ["a b"], ["a\n"], ["a\u00a0"]]
TEXT_LIST: Values = ([["a", "b"], ("a",), {"a"}, []], ["a", "a,b", "a b", *UNSPLIT, *TEXTS[1]])
URL: Values = ([ISSUER, ""], TEXT[1])
SECONDS: Values = (
    [1, 0.5, 60],
    ["60", None, True, 0, -1, float("inf"), float("nan"), 10**400, [60], 10**9 + 1],
)
ALGORITHMS: Values = ([["ES256"], "ES256"], TEXTS[1])
# The ids of tests contain the beginning of a value, and must not contain the random key.
PINS = {"comment": "a JWKS with a key that can verify tokens", **jwks()}
# Dictionaries and files without such a key.
KEYLESS = [
    {"foo": 1},
    {"keys": {}},
    {"a": float("nan"), **PINS},
    {"keys": []},
    {"keys": [{}]},
    __file__,
    Path(__file__),
]
FEED = [True, False, f"{ISSUER}/feed"], ["true", "False", "", "http://[", "ftp://issuer.example/feed", 1, [], {}]
PATHLESS = [".deny", "..deny", ".a.deny", "a.", "a\0b.deny"]

ENTRIES: Mapping[str, Values] = {
    "ISSUERS": (
        [[ISSUER], ISSUER, ({"URL": ISSUER},), [], ""],
        [None, 1, True, {"URL": ISSUER}, [1], [None], [[ISSUER]], [""], [ISSUER, ""], [{"URL": ""}], [{}]],
    ),
    "AUDIENCE": TEXTS,
    "ALGORITHMS": ALGORITHMS,
    "JWKS_URL": URL,
    "KEY_POLICY": (["production", "development"], ["fast", "", None, 1, True, ["production"], {}]),
    "SCOPES": (
        [{}, {"a": "A"}, {"a": gettext_lazy("A")}],
        [None, "a", ["a"], {"a"}, {"a": None}, {"a": 1}, {1: "A"}, True],
    ),
    "SCOPES_SUPPORTED": ([*TEXTS[0], None, []], [value for value in TEXTS[1] if value is not None]),
    "AUTHORIZATION_URL": URL,
    "TOKEN_URL": URL,
    "REALM": TEXT,
    "RESOURCE": (TEXT[0], [*TEXT[1], "https://[x"]),
    "PUBLIC_URL": URL,
    "DPOP_ALGORITHMS": ALGORITHMS,
    "DPOP_REQUIRED": FLAG,
    "DPOP_NONCES": FLAG,
    "DPOP_PROOF_SECONDS": (SECONDS[0], [*SECONDS[1], 301]),
    "DPOP_REPLAY_CACHE": TEXT,
    "REVOCATIONS": (FEED[0], [*FEED[1], None]),
    "REVOCATIONS_EVERY": SECONDS,
    "REVOCATIONS_LATE_AFTER": SECONDS,
    "REVOCATIONS_WHEN_LATE": (["serve", "refuse"], ["ignore", "", None, True, 1, ["serve"]]),
    "DENIED_KIDS": TEXT_LIST,
    "DENIED_TOKENS": TEXT_LIST,
    "DENY": (
        ["django.utils.crypto.get_random_string"],
        ["", " ", None, True, 1, len, ["a.b"], "nowhere.to.be.found", "no-path", f"{__name__}.ISSUER", *PATHLESS],
    ),
    "LOCAL_USERS": ([{}, {"LINK_TABLE": True}], [None, "LINK_TABLE", True, 1, [], [("LINK_TABLE", True)], {1: True}]),
    "METRICS": FLAG,
    "OPERATOR_TOKEN": TEXT,
    "INTROSPECTION_CLIENT_ID": TEXT,
    "INTROSPECTION_CLIENT_SECRET": TEXT,
    "INTROSPECTION_FOR": SECONDS,
    "REMEMBER_TOKENS": FLAG,
    "PATHS": (
        [["/api/"], "/api/", []],
        [*TEXTS[1], ["api/"], "/a/,/b/", "/a/ /b/", "/a/\n", ["/a/,", "/b/"], ["/a/", " /b/"]],
    ),
    "BEHIND_PROXY": FLAG,
    "DANGEROUSLY_ALLOW_ANONYMOUS": FLAG,
    "DANGEROUSLY_ACCEPT_TYP_JWT": FLAG,
    "DANGEROUSLY_ALLOW_HTTP": FLAG,
}
FIELD: Values = (["first_name"], TEXT[1])
LOCAL_USERS_ENTRIES: Mapping[str, Values] = {
    "ISSUER_FIELD": FIELD,
    "SUBJECT_FIELD": FIELD,
    "LINK_TABLE": ([False], FLAG[1]),
    "CREATE": (
        [True, False, "django.contrib.auth.get_user_model"],
        ["", None, 1, 0, len, ["a.b"], "nowhere.to.be.found", f"{__name__}.ISSUER", *PATHLESS],
    ),
}
ISSUER_ENTRIES: Mapping[str, Values] = {
    "URL": ([ISSUER], ["", *TEXT[1]]),
    "ALGORITHMS": ([*ALGORITHMS[0], None], [value for value in ALGORITHMS[1] if value is not None]),
    "JWKS_URL": URL,
    "PINNED_JWKS": (
        [PINS, PINS | {"keys": [{}, shared_key().jwk]}],
        ["", {}, None, 1, True, b"{}", [PINS], "/no/such/file", "/", "/a\0b", {"keys": {1}}, "/dev/null", *KEYLESS],
    ),
    "REVOCATIONS": ([*FEED[0], None], FEED[1]),
}


def whole(group: str, name: str, value: Any) -> Any:
    """Return a RESOURCE_SERVER whose entry `name` in the group `group` is `value`, and whose other entries are good."""
    if group == "LOCAL_USERS":
        fields = {"ISSUER_FIELD": "first_name", "SUBJECT_FIELD": "last_name"}
        return GOOD | {"LOCAL_USERS": fields | {name: value}}
    if group == "ISSUERS":
        return GOOD | {"ISSUERS": [{"URL": ISSUER, name: value}]}
    return GOOD | {name: value}


def cases(*, right: bool) -> list[Any]:
    groups = {"": ENTRIES, "LOCAL_USERS": LOCAL_USERS_ENTRIES, "ISSUERS": ISSUER_ENTRIES}
    return [
        pytest.param(group, name, value, id=f"{group}-{name}-{value!r:.40}")
        for group, entries in groups.items()
        for name, (accepted, refused) in entries.items()
        for value in (accepted if right else refused)
    ]


@pytest.mark.parametrize(
    ("tested", "defaults"),
    [(ENTRIES, DEFAULTS), (LOCAL_USERS_ENTRIES, LOCAL_USERS_DEFAULTS), (ISSUER_ENTRIES, ISSUER_DEFAULTS)],
    ids=["RESOURCE_SERVER", "LOCAL_USERS", "ISSUERS"],
)
def test_each_entry_has_a_test_of_its_type(tested: Mapping[str, Values], defaults: Mapping[str, Any]) -> None:
    assert tested.keys() == defaults.keys()


@pytest.mark.parametrize(("group", "name", "value"), cases(right=True))
def test_a_value_of_the_entrys_type_is_accepted(group: str, name: str, value: Any) -> None:
    with override_settings(RESOURCE_SERVER=whole(group, name, value)):
        resource_server()


@pytest.mark.parametrize(("group", "name", "value"), cases(right=False))
def test_a_value_of_another_type_is_refused_by_the_name_of_its_entry(group: str, name: str, value: Any) -> None:
    with override_settings(RESOURCE_SERVER=whole(group, name, value)):
        with pytest.raises(ImproperlyConfigured, match=rf"\b{name}\b"):
            resource_server()
        (error, *_) = check_settings(None)
    assert error.id == "resources.E001"
    assert name in error.msg


@pytest.mark.parametrize("value", [None, "ISSUERS", [("ISSUERS", [ISSUER])]], ids=str)
def test_a_resource_server_that_is_no_dictionary_is_refused(value: Any) -> None:
    with (
        override_settings(RESOURCE_SERVER=value),
        pytest.raises(ImproperlyConfigured, match="RESOURCE_SERVER must be a dictionary, not "),
    ):
        resource_server()


def refusal(**changes: Any) -> str:
    with override_settings(RESOURCE_SERVER=GOOD | changes), pytest.raises(ImproperlyConfigured) as refused:
        resource_server()
    return str(refused.value)


def test_the_message_names_entry_type_and_remedy_and_repeats_no_value() -> None:
    assert refusal(DANGEROUSLY_ALLOW_HTTP="False") == (
        "RESOURCE_SERVER['DANGEROUSLY_ALLOW_HTTP'] must be True or False, not this str."
        " Convert the value of an environment variable first."
    )
    assert refusal(DENIED_KIDS="one,two") == (
        "RESOURCE_SERVER['DENIED_KIDS'] must be a list such as [\"…\"], of strings that are not empty and have no comma"
        " or white space, not this str. Convert the value of an environment variable first."
    )
    assert refusal(PATHS="/a/,/b/") == (
        "RESOURCE_SERVER['PATHS'] must be a list of paths such as [\"/api/\", \"/pages/\"], and '/a/,/b/' is no path."
        " Split the value of an environment variable first."
    )
    assert refusal(ISSUERS=[ISSUER, {"URL": ""}]) == (
        "RESOURCE_SERVER['ISSUERS']['URL'] must be the URL of an issuer, and it is empty."
        " Set the environment variable that it is read from, or remove the entry."
    )
    assert refusal(DENY="") == (
        "RESOURCE_SERVER['DENY'] must be the dotted path of a function, and it is empty."
        " Set the environment variable that it is read from, or remove the entry."
    )
    assert refusal(ISSUERS=[{"ALGORITHMS": ["ES256"]}]) == (
        "RESOURCE_SERVER['ISSUERS'] has an entry without URL. Add the URL of the issuer."
    )
    assert refusal(OPERATOR_TOKEN=b"a-secret") == "RESOURCE_SERVER['OPERATOR_TOKEN'] must be a string, not this bytes."
