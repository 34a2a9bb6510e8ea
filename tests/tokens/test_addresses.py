"""The redirect URIs and origins with which a client can be registered."""

import pytest

from tokens.addresses import logout_uri_problem, origin, origin_problem, redirect_uri_problem, spellings


@pytest.mark.parametrize(
    "uri",
    [
        "https://app.example/callback",
        "https://app.example:8443/callback?tenant=1",
        "http://localhost:8002/callback",
        "http://127.0.0.1/callback",
        "http://[::1]:9/callback",
        "com.example.app:/callback",
        "com.example.app://callback",
        "com.example.app:/",
        "https://app.example/a,b",
    ],
)
def test_a_safe_redirect_uri_is_accepted(uri: str) -> None:
    assert redirect_uri_problem(uri) is None


@pytest.mark.parametrize(
    "uri",
    [
        "",
        "/callback",
        "//app.example/callback",
        "app.example/callback",
        "https:///callback",
        "https://",
        "http://app.example/callback",
        "http://localhost.app.example/callback",
        "http://127.0.0.1.app.example/callback",
        "http://127.0.0.2/callback",
        "https://*.app.example/callback",
        "https://app.example/*",
        "https://app.example/callback#fragment",
        "https://app.example/callback#",
        "https://user@app.example/callback",
        "https://app.example\\@evil.example/callback",
        "https://app.example/call back",
        "https://app.example/callback\n",
        "https://app.example/\x00",
        "https://äpp.example/callback",
        "https://app.example:port/callback",
        "https://[::1/callback",
        "javascript:alert(1)",
        "data:text/html,hello",
        "vbscript:x",
        "file:///etc/passwd",
        "myapp:/callback",
        "com.example.app:callback",
        "com.example.app:",
        "ftp://app.example/callback",
        "https://app.example/<script>",
        'https://app.example/"',
    ],
)
def test_an_unsafe_redirect_uri_is_refused(uri: str) -> None:
    assert redirect_uri_problem(uri) is not None


@pytest.mark.parametrize("origin", ["https://app.example", "https://app.example:8443", "http://localhost:8002"])
def test_a_web_origin_is_accepted(origin: str) -> None:
    assert origin_problem(origin) is None


@pytest.mark.parametrize(
    "origin",
    [
        "",
        "*",
        "null",
        "app.example",
        "https://app.example/",
        "https://app.example/path",
        "https://app.example?x",
        "https://APP.example",
        "https://app.example:443",
        "http://localhost:80",
        "http://app.example",
        "https://*.app.example",
        "https://user@app.example",
        "com.example.app://host",
    ],
)
def test_an_address_that_is_no_web_origin_is_refused(origin: str) -> None:
    assert origin_problem(origin) is not None


@pytest.mark.parametrize("uri", ["https://a.example/,https://b.example/", "https://a.example/,", "a.b:/x,c.d:/y"])
def test_redirect_uris_separated_by_commas_are_refused_with_the_reason(uri: str) -> None:
    problem = redirect_uri_problem(uri)
    assert problem is not None
    assert "holds a comma before another address" in problem


@pytest.mark.parametrize("uri", ["myapp:/callback", "myapp://callback", "my-app+1:/"])
def test_a_scheme_without_a_dot_needs_the_option(uri: str) -> None:
    problem = redirect_uri_problem(uri)
    assert problem is not None
    assert "has a scheme without a dot" in problem
    assert redirect_uri_problem(uri, undotted=True) is None


@pytest.mark.parametrize(
    "uri",
    [
        "javascript:/alert(1)",
        "javascript://alert(1)",
        "data:/text/html,hello",
        "vbscript:/x",
        "file:///etc/passwd",
        "intent://scan/",
        "ws://app.example/",
        "blob:/x",
        "http://app.example/",
        "https:/callback",
        "c:/windows",
        "myapp:callback",
        "myapp:",
        "MyApp:/callback",
        "myapp:/callback#x",
        "myapp://user@callback",
        "myapp:/*",
    ],
)
def test_the_option_permits_no_scheme_of_browsers_or_operating_systems(uri: str) -> None:
    assert redirect_uri_problem(uri, undotted=True) is not None


@pytest.mark.parametrize(
    ("uri", "same"),
    [
        ("https://api.example", "https://api.example/"),
        ("http://localhost:8001", "http://localhost:8001/"),
        ("https://api.example?k=1", "https://api.example/?k=1"),
        ("amqp://broker.example", "amqp://broker.example/"),
    ],
)
def test_the_slash_of_an_empty_path_makes_no_other_uri(uri: str, same: str) -> None:
    assert spellings(uri) == spellings(same) == {uri, same}


@pytest.mark.parametrize(
    "uri",
    [
        "https://api.example/v1",
        "https://api.example/v1/",
        "https://api.example//",
        "https://api.example/#",
        "https://api.example#x",
        "https:///",
        "https:/",
        "urn:example:broker",
        "urn:example:broker/",
        "api.example/",
        "",
    ],
)
def test_any_other_uri_has_one_spelling(uri: str) -> None:
    assert spellings(uri) == {uri}


@pytest.mark.parametrize(
    "uri", ["https://app.example/logged-out", "https://app.example:8443/", "https://app.example/a?tenant=1"]
)
def test_an_https_address_is_accepted_for_logout_tokens(uri: str) -> None:
    assert logout_uri_problem(uri, loopback=False) is None


@pytest.mark.parametrize(
    "uri",
    [
        *("", "/logged-out", "//app.example/", "https://", "https:///x", "app.example/x", "ftp://app.example/"),
        *("http://app.example/", "http://localhost.app.example/", "com.example.app:/x", "https://app.example/#"),
        *("https://app.example/#x", "https://user@app.example/", "https://*.app.example/", "https://app.example:0/"),
        *("https://app.example/ x", "https://app.example/\n", "https://[::1/x", "https://app.example:port/"),
    ],
)
@pytest.mark.parametrize("loopback", [True, False])
def test_another_address_is_refused_for_logout_tokens(uri: str, *, loopback: bool) -> None:
    assert logout_uri_problem(uri, loopback=loopback) is not None


@pytest.mark.parametrize("uri", ["http://localhost:8002/x", "http://127.0.0.1/x", "http://[::1]:9/x"])
def test_http_on_loopback_is_accepted_for_logout_tokens_in_development_only(uri: str) -> None:
    assert logout_uri_problem(uri, loopback=True) is None
    assert logout_uri_problem(uri, loopback=False) is not None


def test_the_origin_of_a_url_has_no_path() -> None:
    assert origin("https://issuer.example/path") == "https://issuer.example"
    assert origin("http://localhost:8000") == "http://localhost:8000"
