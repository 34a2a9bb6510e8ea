"""The documentation site, as far as it can be tested without mkdocs: links, navigation, and files from other hosts."""

from pathlib import Path

import pytest

from project.launch import docs_hooks, docs_site
from project.launch.docs_site import ROOT


@pytest.mark.parametrize(
    ("page", "address"),
    [
        ('<script async src="https://cdn.example/a.js"></script>', "https://cdn.example/a.js"),
        ("<script src=//cdn.example/a.js></script>", "//cdn.example/a.js"),
        ('<link rel="stylesheet" href="https://fonts.example/css">', "https://fonts.example/css"),
        ('<link rel="preconnect" href="https://fonts.example" crossorigin>', "https://fonts.example"),
        ('<img alt="x" src="http://img.example/a.png">', "http://img.example/a.png"),
        ("@import 'https://a.example/b.css';", "https://a.example/b.css"),
        ("src: url(https://a.example/f.woff2)", "https://a.example/f.woff2"),
        ('<iframe src="https://a.example/"></iframe>', "https://a.example/"),
    ],
)
def test_what_a_page_loads_from_another_host_is_found(page, address):
    assert list(docs_site.foreign(page)) == [address]


@pytest.mark.parametrize(
    "page",
    [
        '<a href="https://www.rfc-editor.org/rfc/rfc9068">RFC</a>',
        '<link rel="canonical" href="https://docs.example/a.html">',
        '<script src="assets/javascripts/bundle.js"></script>',
        '<link rel="icon" href="images/keyturn.svg">',
        "<code>curl https://issuer.example</code>",
        "background: url(data:image/svg+xml;base64,AAAA)",
    ],
)
def test_a_link_and_an_asset_of_the_site_are_not(page):
    assert list(docs_site.foreign(page)) == []


def test_a_pattern_of_the_navigation_stands_for_the_pages_that_no_line_names():
    nav = [{"Clients": ["clients/README.md", "clients/*"]}, "a.md", "*"]
    pages = ["a.md", "further.md", "clients/README.md", "clients/b.md", "clients/c.md", "clients/deep/d.md"]
    named = set(docs_hooks.names(nav))
    assert named == {"clients/README.md", "clients/*", "a.md", "*"}
    assert docs_hooks.expanded(nav, pages, named) == [
        {"Clients": ["clients/README.md", "clients/b.md", "clients/c.md"]},
        "a.md",
        "further.md",
    ]


@pytest.mark.parametrize(
    ("title", "anchor"),
    [
        ("Changing KEY_ENCRYPTION_KEYS", "changing-key_encryption_keys"),
        ("1. What an entry says", "1-what-an-entry-says"),
        ("Keys in an HSM (PKCS #11)", "keys-in-an-hsm-pkcs-11"),
        ("A key instead of a secret (`private_key_jwt`)", "a-key-instead-of-a-secret-private_key_jwt"),
    ],
)
def test_a_heading_has_the_anchor_of_github(title, anchor):
    assert docs_hooks.slug(title) == anchor


def test_a_link_to_a_file_outside_of_the_documentation_becomes_its_text():
    folder = ROOT / "docs"
    stay = "[a](grants.md#refresh) [log](../CHANGELOG.md) [RFC](https://x.example) ![i](images/a.png)"
    assert docs_hooks.outside(f"{stay} [.env](../.env.example)", folder) == f"{stay} .env"


def test_the_lock_of_the_site_has_a_hash_for_each_package():
    lines = docs_site.LOCK.read_text(encoding="utf-8").splitlines()
    packages = [line for line in lines if "==" in line]
    assert any(line.startswith("mkdocs-material==9.") for line in packages)
    assert all(line.endswith("\\") for line in packages)
    assert Path(docs_site.LOCK).parent == ROOT / "docs"
