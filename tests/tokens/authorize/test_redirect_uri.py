"""Redirect URIs match character for character, except for the port of a loopback address."""

import pytest

from tokens.authorize.redirect_uri import LOCALHOST_PORT, NOT_REGISTERED, matches, remedy

REGISTERED = [
    "https://client.example/callback",
    "https://client.example/q?a=1",
    "http://127.0.0.1/callback",
    "http://[::1]:8080/callback",
    "http://localhost:3000/callback",
    "com.example.app:/callback",
    "http://plain.example/callback",
]

REFUSED = [
    "http://plain.example/callback",
    "http://client.example/callback",
    "https://client.example/callback/",
    "https://client.example/Callback",
    "https://client.example/callback?",
    "https://client.example/callback?x=1",
    "https://client.example/callback#",
    "https://client.example/callback#x",
    "https://client.example/callback;x",
    "https://client.example/callback/../callback",
    "https://client.example/./callback",
    "https://client.example//callback",
    "https://client.example/%63allback",
    "https://client.example:443/callback",
    "https://client.example:8443/callback",
    "https://CLIENT.example/callback",
    "HTTPS://client.example/callback",
    "https://client.example./callback",
    "https://client.example.evil.example/callback",
    "https://evil.example/client.example/callback",
    "https://client.example@evil.example/callback",
    "https://user@client.example/callback",
    "https://evil.example\\@client.example/callback",
    "https:\\\\client.example\\callback",
    "https:client.example/callback",
    "//client.example/callback",
    "/callback",
    " https://client.example/callback",
    "https://client.example/callback ",
    "https://client.example/callback\n",
    "https://client.example/callback\u200b",
    "https://client.exampl\u0435/callback",
    "https://client.example/q?a=2",
    "https://client.example/q?a=1&b=2",
    "http://127.0.0.1:123456/callback",
    "http://127.0.0.1:/callback",
    "http://127.0.0.1:80@evil.example/callback",
    "http://127.0.0.2/callback",
    "http://127.0.0.1.evil.example/callback",
    "http://127.1/callback",
    "http://[::ffff:127.0.0.1]/callback",
    "http://localhost/callback",
    "http://localhost:3001/callback",
    "https://127.0.0.1/callback",
    "com.example.app:callback",
    "com.example.app://callback",
    "javascript:alert(1)",
    "data:text/html,x",
    "",
]


@pytest.mark.parametrize(
    "uri",
    [
        *REGISTERED[:6],
        "http://127.0.0.1:1/callback",
        "http://127.0.0.1:65535/callback",
        "http://[::1]/callback",
        "http://[::1]:4711/callback",
    ],
)
def test_a_registered_redirect_uri_matches(uri):
    assert matches(uri, REGISTERED)


@pytest.mark.parametrize("uri", REFUSED)
def test_a_neighbour_of_a_registered_redirect_uri_does_not_match(uri):
    assert not matches(uri, REGISTERED)


LOCALHOST = ["http://localhost", "http://localhost:3000/callback", "http://localhost/q?a=1", "https://localhost/tls"]
AT_LOCALHOST = {
    "http://localhost:41887": True,
    "http://localhost": True,
    "http://localhost/callback": True,
    "http://localhost:51004/callback": True,
    "http://localhost:51004/q?a=1": True,
    "http://localhost:51004/q?a=2": False,
    "http://localhost:51004/other": False,
    "http://localhost:51004/callback/": False,
    "http://localhost:/callback": False,
    "http://localhost:123456/callback": False,
    "http://LOCALHOST:51004/callback": False,
    "http://localhost.:51004/callback": False,
    "http://localhost.evil.example/callback": False,
    "http://localhost:51004@evil.example/callback": False,
    "http://127.0.0.1:51004/callback": False,
    "http://[::1]:51004/callback": False,
    "https://localhost:51004/tls": False,
    "https://localhost:51004/callback": False,
}


@pytest.mark.parametrize("uri", AT_LOCALHOST)
def test_any_port_on_localhost_matches_only_with_the_switch(uri):
    assert matches(uri, LOCALHOST, any_localhost_port=True) is AT_LOCALHOST[uri]
    assert matches(uri, LOCALHOST) is (uri in LOCALHOST)


@pytest.mark.parametrize("uri", REFUSED)
def test_the_switch_permits_no_other_neighbour(uri):
    expected = uri in {"http://localhost/callback", "http://localhost:3001/callback"}
    assert matches(uri, REGISTERED, any_localhost_port=True) is expected


@pytest.mark.parametrize("uri", ["http://127.0.0.1:1/callback", "http://[::1]/callback"])
def test_the_switch_takes_nothing_from_other_loopback_addresses(uri):
    assert matches(uri, REGISTERED, any_localhost_port=True)


@pytest.mark.parametrize(
    ("uri", "text"),
    [
        ("http://localhost:51004/callback", LOCALHOST_PORT),
        ("http://localhost", LOCALHOST_PORT),
        ("http://localhost.evil.example/", NOT_REGISTERED),
        ("http://127.0.0.1:1/other", NOT_REGISTERED),
        ("https://client.example/other", NOT_REGISTERED),
    ],
)
def test_the_error_says_what_to_register(uri, text):
    assert remedy(uri) == text
