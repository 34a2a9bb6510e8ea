"""The setting with the allow-list of redirect URIs. Its entries are origins and schemes."""

import pytest

from tokens import conf
from tokens.conf import MalformedSetting
from tokens.settings.redirect_allow_list import entry_problem, is_listed

LIST = [
    "https://app.example",
    "https://*.example.com",
    "http://127.0.0.1",
    "com.example.app:",
    "https://port.example:8443",
]


@pytest.mark.parametrize(
    "uri",
    [
        "https://app.example/callback",
        "https://app.example/other?x=1",
        "https://shop.example.com/cb",
        "https://a.b.example.com/cb",
        "http://127.0.0.1/callback",
        "http://127.0.0.1:5555/callback",
        "com.example.app:/callback",
        "https://port.example:8443/cb",
    ],
)
def test_an_address_of_an_entry_is_listed(uri):
    assert is_listed(uri, LIST)


@pytest.mark.parametrize(
    "uri",
    [
        "http://app.example/callback",
        "https://app.example:8443/callback",
        "https://app.example.evil.example/callback",
        "https://evil.example/https://app.example",
        "https://app.example@evil.example/callback",
        "https://evilapp.example/callback",
        "https://example.com/cb",
        "https://evilexample.com/cb",
        "https://port.example/cb",
        "http://127.0.0.1.evil.example/cb",
        "http://localhost/cb",
        "com.example.app.evil:/callback",
        "com.example.app://host/callback",
        "https://[broken/cb",
        "",
    ],
)
def test_a_neighbour_of_a_listed_uri_is_not_listed(uri):
    assert not is_listed(uri, LIST)


def test_an_empty_list_lists_nothing():
    assert not is_listed("https://app.example/", [])


@pytest.mark.parametrize("entry", LIST)
def test_an_entry_is_an_origin_or_a_scheme(entry):
    assert entry_problem(entry) is None


@pytest.mark.parametrize(
    "entry",
    ["app.example", "https://app.example/path", "https://", "https://*", "https://*.*.com", "https:", "ftp://a.example",
     "https://u@app.example", "https://a.example:port", ""],
)  # fmt: skip
def test_another_entry_is_refused_with_the_form(entry, settings):
    assert entry_problem(entry)
    settings.ISSUER = {**settings.ISSUER, "REDIRECT_ALLOW_LIST": [entry]}
    with pytest.raises(MalformedSetting, match="REDIRECT_ALLOW_LIST"):
        conf.issuer()
