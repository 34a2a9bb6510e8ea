"""The types of the entries of settings.ISSUER: which values are accepted, and which are refused by the entry's name."""

from datetime import timedelta
from pathlib import Path

import pytest

from tokens import conf
from tokens.conf import MalformedSetting
from tokens.settings.defaults import DEFAULTS

HOUR = timedelta(hours=1)
REMEDY = " Convert the value of an environment variable first."
FLAG = [True, False], ["false", "False", "0", "", "true", 0, 1, None, [True]]
TEXT = ["", "text"], [None, 1, True, b"text", ["text"], {}]
TEXTS = [[], ["a.example"], ("a.example",), {"a.example"}], [None, "a", 1, True, b"a", {"a": "b"}, [1], [None], [["a"]]]
PATH = ["", None], [1, True, b"/a", ["/a"], {}]
DURATION = [HOUR], [None, 600, 600.0, "600", True, timedelta(0), -HOUR]

# For each entry, the values that are accepted and those that are refused.
ENTRIES = {
    "URL": (["https://a.example"], TEXT[1]),
    "KEY_ENCRYPTION_KEYS": TEXTS,
    "KEY_POLICY": (["production", "development"], ["fast", "", None, 1, True, ["production"]]),
    "KEY_TIMINGS": (
        [{}, {"rotate_every": 60}, {"rotate_every": 0.5}],
        [
            *(None, "rotate_every=60", 60, [], {"rotate": 60}, {1: 60}),
            *({"rotate_every": value} for value in ("60", None, True, -1, float("inf"), float("nan"), 10**400, HOUR)),
        ],
    ),
    "ACCESS_TOKEN_LIFETIME": ([None, HOUR], [value for value in DURATION[1] if value is not None]),
    "REFRESH_TOKEN_LIFETIME": DURATION,
    "REFRESH_TOKEN_IDLE_LIFETIME": DURATION,
    "BEHIND_PROXY": FLAG,
    "OPERATOR_TOKEN": TEXT,
    "REDIRECT_ALLOW_LIST": ([[], ["https://a.example"]], [*TEXTS[1], ["/a"]]),
    "RATE_LIMITS": (
        [{}, {"login": (10, 60)}, {"login": [10, 60]}, {"login": (0, 60)}],
        [
            *(None, "login=10/60", [], {"logins": (10, 60)}, {1: (10, 60)}),
            *({"login": rate} for rate in (10, None, (10,), (10, 60, 1), ("10", 60), (10, 0), (-1, 60), (True, 60))),
        ],
    ),
    "AUDIT_JOURNAL": ([*PATH[0], "/a", Path("/a")], PATH[1]),
    "AUDIT_RETENTION": ([None, timedelta(days=30)], [30, "30", True, timedelta(days=29)]),
    "NAME_FROM_USERNAME": FLAG,
    "DEVELOPMENT_ONLY_REMEMBER_LOOPBACK_CONSENT": FLAG,
    "CLAIMS_SOURCE": ([{}, {"locale": "locale"}], [None, "locale", ["locale"], {"locale": None}, {1: "locale"}]),
    "CLAIMS": TEXT,
    "CLAIMS_WITHIN": DURATION,
    "GROUPS_CLAIM": TEXTS,
    "RECIPES": ([*PATH[0], "/a", Path("/a")], PATH[1]),
    "USERINFO_TOKEN_IN_BODY": FLAG,
    "PRIVATE_LOGOUT_HOSTS": (TEXTS[0], [*TEXTS[1], ["https://a.example"]]),
    "BRAND_NAME": (["A"], [*TEXT[1], ""]),
    "BRAND_LOGO": (PATH[0], [*PATH[1], "/no/such/file"]),
    "BRAND_COLOR": (["", "#2448c8"], [*TEXT[1], "red"]),
    "LANGUAGES": ([["en"], ("de", "en")], [*TEXTS[1], 5, "en", [], ["xx"]]),
    "SESSION_ADDRESSES": FLAG,
    "SESSION_PLACES": ([*PATH[0], "/a", Path("/a")], PATH[1]),
    "DPOP_REQUIRES_NONCE": FLAG,
    "SECOND_FACTOR_GROUPS": TEXTS,
    "SECOND_FACTOR_STAFF": FLAG,
    "SENDS_MAIL": FLAG,
    "SIGN_UP": FLAG,
    "PKCS11_MODULE": TEXT,
    "PKCS11_TOKEN": TEXT,
    "PKCS11_PIN": TEXT,
    "CLIENT_ID_METADATA_DOCUMENTS": FLAG,
    "CLIENT_DOCUMENT_HOSTS": (TEXTS[0], [*TEXTS[1], ["https://a.example"]]),
    "CLIENT_DOCUMENT_DENIED_HOSTS": (TEXTS[0], [*TEXTS[1], ["https://a.example"]]),
    "DEVELOPMENT_ONLY_LOOPBACK_CLIENT_DOCUMENTS": FLAG,
    "DYNAMIC_REGISTRATION": (["off", "token", "open"], [*TEXT[1], "", "on"]),
    "OPEN_CLIENT_SCOPES": TEXTS,
    "OPEN_CLIENT_APIS": TEXTS,
    "OPEN_CLIENT_GRANT_TYPES": ([[], ["refresh_token"]], [*TEXTS[1], ["client_credentials"]]),
    "PUSHED_REQUEST_LIFETIME": ([timedelta(seconds=5)], [None, 90, "90", True, timedelta(0), timedelta(seconds=600)]),
    "REQUIRE_PUSHED_AUTHORIZATION_REQUESTS": FLAG,
    "FAPI2": FLAG,
}


def cases(place):
    return [(name, value) for name, values in ENTRIES.items() for value in values[place]]


def test_each_entry_has_a_test_of_its_type():
    assert ENTRIES.keys() == DEFAULTS.keys()


@pytest.mark.parametrize(("name", "value"), cases(0), ids=repr)
def test_a_value_of_the_entrys_type_is_accepted(settings, name, value):
    settings.DEBUG = True
    settings.ISSUER = {"SENDS_MAIL": name != "SENDS_MAIL", name: value}
    assert conf.issuer()


@pytest.mark.parametrize(("name", "value"), cases(1), ids=repr)
def test_a_value_of_another_type_is_refused_by_the_name_of_its_entry(settings, name, value):
    settings.DEBUG = True
    settings.ISSUER = {name: value}
    # The message for an unknown key timing names the timing.
    with pytest.raises(MalformedSetting, match="key timing" if value == {"rotate": 60} else rf"\b{name}\b"):
        conf.issuer()


@pytest.mark.parametrize("value", [None, "URL", [("URL", "https://a.example")]], ids=repr)
def test_an_issuer_that_is_no_dictionary_is_refused(settings, value):
    settings.ISSUER = value
    with pytest.raises(MalformedSetting, match=r"settings\.ISSUER must be a dictionary, not "):
        conf.issuer()


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        (
            "BEHIND_PROXY",
            "false",
            f"settings.ISSUER['BEHIND_PROXY'] must be True or False, not this str.{REMEDY}",
        ),
        (
            "ACCESS_TOKEN_LIFETIME",
            600,
            "settings.ISSUER['ACCESS_TOKEN_LIFETIME'] must be a timedelta above zero, or None, not this int.",
        ),
        ("PKCS11_PIN", b"a-secret", "settings.ISSUER['PKCS11_PIN'] must be a string, not this bytes."),
        ("KEY_POLICY", "fast", "KEY_POLICY must be one of production, development."),
    ],
)
def test_the_message_names_entry_type_and_remedy_and_repeats_no_value(settings, name, value, message):
    settings.ISSUER = settings.ISSUER | {name: value}
    with pytest.raises(MalformedSetting) as refused:
        conf.issuer()
    assert str(refused.value) == message
    assert "a-secret" not in message


def test_the_types_are_examined_once_for_all_requests(settings, monkeypatch):
    examined = []
    monkeypatch.setattr(conf, "refuse_other_types", examined.append)
    settings.ISSUER = settings.ISSUER | {"CLAIMS": ""}
    assert conf.issuer() is conf.issuer()
    assert len(examined) == 1
