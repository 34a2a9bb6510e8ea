"""Spellings of a URI that count as equal in a DPoP proof, and similar URIs that do not."""

import pytest

from resources.dpop.target import Target, target

SAME = [
    ("https://a.example", "https://a.example/"),
    ("https://a.example:443/x", "https://a.example/x"),
    ("http://a.example:80/x", "http://a.example/x"),
    ("https://A.EXAMPLE/x", "https://a.example/x"),
    ("https://a.example/%7euser", "https://a.example/~user"),
    ("https://a.example/%7Euser", "https://a.example/%7euser"),
    ("https://a.example/a/./b/../c", "https://a.example/a/c"),
    ("https://a.example/a/b/..", "https://a.example/a/"),
    ("https://a.example:65535/a/.", "https://a.example:65535/a/"),
    ("https://a.example/a/%2e%2E/b", "https://a.example/b"),
    ("https://a.example/../../a", "https://a.example/a"),
    ("https://a.example/a/..", "https://a.example/"),
    ("https://a.example/a/.", "https://a.example/a/"),
    ("https://a.example/k%C3%A4se", "https://a.example/k%c3%a4se"),
    ("https://[::1]:443/x", "https://[::1]/x"),
    ("https://a.example/x?a=1#b", "https://a.example/x"),
]
OTHER = [
    ("https://a.example/x", "http://a.example/x"),
    ("https://a.example:80/x", "https://a.example/x"),
    ("https://a.example/x", "https://a.example/x/"),
    ("https://a.example/x", "https://a.example/X"),
    ("https://a.example/x", "https://a.example//x"),
    ("https://a.example/x%3Fa", "https://a.example/x?a"),
    ("https://a.example/a%252Fb", "https://a.example/a%2Fb"),
    ("https://a.example/...", "https://a.example/"),
]
NONE = [
    "", "/x", "//a.example/x", "ftp://a.example/x", "https:/a.example/x", "https:///x", "https://a.example:x/",
    "https://a.example:65536/",
    "https://u@a.example/x", "https://a.example/x y", "https://a.example/x\n", "https://a.example/%",
    "https://a.example/%g0",
    "https://a.example/%ff", "https://a.exämple/x", "https://a.example\\x", "https://[::1/x",
    "https://a.example/" + "x" * 4096,
]  # fmt: skip


@pytest.mark.parametrize(("left", "right"), SAME)
def test_two_spellings_of_a_uri_have_the_same_target(left: str, right: str) -> None:
    assert target(left) == target(right)
    assert target(left) is not None


@pytest.mark.parametrize(("left", "right"), OTHER)
def test_two_uris_have_two_targets(left: str, right: str) -> None:
    assert target(left) != target(right)


@pytest.mark.parametrize("uri", NONE)
def test_what_is_no_uri_has_no_target(uri: str) -> None:
    assert target(uri) is None


def test_the_path_of_a_request_is_below_the_path_of_the_public_url() -> None:
    public = target("https://a.example/v1/")
    assert public
    assert public.below("/käse/../x") == target("https://a.example/v1/x") == Target("https", "a.example", 443, "/v1/x")
