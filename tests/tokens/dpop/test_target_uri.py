"""The normal form of the URL for which a DPoP proof is made.

The tests have spellings of the same URL, and texts that are not a URL.
"""

import pytest

from tokens.dpop.target_uri import LONGEST, normal

URL = "https://issuer.example/oauth/token"


@pytest.mark.parametrize(
    "text",
    [
        URL,
        "HTTPS://ISSUER.example/oauth/token",
        "https://issuer.example:443/oauth/token",
        "https://issuer.example:0443/oauth/token",
        "https://issuer.example:/oauth/token",
        "https://issuer.example/oauth/%74oken",
        "https://issu%65r.example/oauth/token",
        "https://issuer.example/./oauth/a/../token",
        "https://issuer.example/../oauth/%2e/token",
        "https://issuer.example/oauth/token?a=b?c#d",
        "https://issuer.example/oauth/token#",
    ],
)
def test_spellings_of_one_url_have_one_normal_form(text):
    assert normal(text) == URL


@pytest.mark.parametrize(
    "text",
    [
        "https://issuer.example/oauth/Token",
        "https://issuer.example/oauth/token/",
        "https://issuer.example//oauth/token",
        "https://issuer.example/oauth%2Ftoken",
        "https://issuer.example:444/oauth/token",
        "http://issuer.example/oauth/token",
        "http://issuer.example:443/oauth/token",
        "https://issuer.example./oauth/token",
        "https://other.example/oauth/token",
        "https://issuer.example/oauth/token/..",
        "https://issuer.example/oauth",
        "https://issuer.example",
    ],
)
def test_another_url_has_another_normal_form(text):
    assert normal(text) not in {None, URL}


@pytest.mark.parametrize(
    "text",
    [
        "",
        "/oauth/token",
        "issuer.example/oauth/token",
        "https:/issuer.example/oauth/token",
        "https:///oauth/token",
        "ftp://issuer.example/oauth/token",
        "https://user@issuer.example/oauth/token",
        "https://issuer.example\\@other.example/oauth/token",
        " https://issuer.example/oauth/token",
        "https://issuer.example/oauth/token\n",
        "https://issuer.example/oauth/\ttoken",
        "https://issuer.example/oauth/tok\u00e9n",
        "https://issuer.example/oauth/token?\u00e9",
        "https://issuer.example/oauth/token#\n",
        "https://issuer.example/oauth/%7",
        "https://issuer.example/oauth/%zztoken",
        "https://issuer.example:https/oauth/token",
        "https://issuer.example:123456/oauth/token",
        "https://issuer.example:\u0664\u0664\u0663/oauth/token",
        "https://issuer.example/" + "a" * LONGEST,
    ],
)
def test_a_text_that_is_no_uri_has_no_normal_form(text):
    assert normal(text) is None


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("https://a.example", "https://a.example/"),
        ("https://a.example?x", "https://a.example/"),
        ("https://a.example/..", "https://a.example/"),
        ("https://a.example/b/..", "https://a.example/"),
        ("https://a.example/b/c/..", "https://a.example/b/"),
        ("https://a.example/b/.", "https://a.example/b/"),
        ("https://a.example/%2fx%c3%a9", "https://a.example/%2Fx%C3%A9"),
        ("https://[2001:DB8::1]:443/x", "https://[2001:db8::1]/x"),
        ("http://localhost:80/x", "http://localhost/x"),
    ],
)
def test_dots_ports_and_escapes_are_normalised(text, expected):
    assert normal(text) == expected
