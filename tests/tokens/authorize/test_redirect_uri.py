"""Redirect URIs match character for character, except for the port of a loopback address."""

import pytest

from tokens.authorize.redirect_uri import matches

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
