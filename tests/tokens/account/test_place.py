"""The place (city, country) that the account pages show for the IP address of a session.

It is read from a database of places that the operator provides, in the language of the page. If the database has no
place for the address, none is shown.
"""

import logging
import os
import sys

import pytest
from django.core.checks import run_checks
from django.test import Client as Browser

from tests.tokens import place_database
from tests.tokens.factories import log_in, make_user
from tokens.account import place as module

VIENNA = {
    "city": {"names": {"en": "Vienna", "de": "Wien"}},
    "country": {"names": {"en": "Austria", "de": "Österreich"}},
}
RECORDS = {
    "81.2.69.0/24": VIENNA,
    "2a02:100::/32": VIENNA,
    "81.2.70.0/24": {"country": {"names": {"en": "Austria"}}},
    "81.2.71.0/24": {"city": {"names": {"fr": "Vienne"}}, "country": {"names": {"fr": "Autriche"}}},
    "81.2.72.0/24": {"city": "Vienna", "country": {"names": {"en": 5}}},
    "81.2.73.0/24": "Vienna",
    "10.0.0.0/8": VIENNA,
}


@pytest.fixture(autouse=True)
def forget(monkeypatch):
    monkeypatch.setattr(module, "_warned", set())


@pytest.fixture
def database(tmp_path, settings):
    path = place_database.write(tmp_path / "city.mmdb", RECORDS)
    settings.ISSUER = settings.ISSUER | {"SESSION_PLACES": str(path), "SESSION_ADDRESSES": True}
    return path


def place(address, *, language):
    return module.places([address, "81.2.99.1"], language=language).get(address, "")


def problems():
    return [(message.id, message.msg, message.hint) for message in run_checks(tags=["session_places"])]


@pytest.mark.parametrize(
    ("address", "language", "expected"),
    [
        ("81.2.69.7", "en", "Vienna, Austria"),
        ("81.2.69.7", "de", "Wien, Österreich"),
        ("81.2.69.7", "fr", "Vienna, Austria"),
        ("2a02:100::/64", "de", "Wien, Österreich"),
        ("81.2.70.1", "de", "Austria"),
        ("81.2.71.1", "en", ""),
        ("81.2.72.1", "en", ""),
        ("81.2.73.1", "en", ""),
        ("81.2.74.1", "en", ""),
        ("10.1.2.3", "en", ""),
        ("127.0.0.1", "en", ""),
        ("::1", "en", ""),
        ("fe80::/64", "en", ""),
        ("unix:", "en", ""),
        ("", "en", ""),
    ],
)
def test_an_address_has_a_place_in_the_language_of_the_page(database, address, language, expected):
    assert place(address, language=language) == expected


def test_each_address_of_a_page_has_its_place(database):
    places = module.places(["81.2.69.7", "81.2.70.1", "81.2.99.1", "10.1.2.3"], language="en")
    assert places == {"81.2.69.7": "Vienna, Austria", "81.2.70.1": "Austria"}


def test_a_database_of_ipv4_has_the_places_of_ipv4_beside_sessions_over_ipv6(database, caplog):
    place_database.write(database, {"81.2.69.0/24": VIENNA}, version=4)
    places = module.places(["2a02:100::/64", "81.2.69.7"], language="en")
    assert places == {"81.2.69.7": "Vienna, Austria"}
    assert caplog.records == []
    assert problems() == []


def test_no_address_has_a_place_unless_the_operator_names_a_database(settings):
    assert place("81.2.69.7", language="en") == ""
    assert problems() == []


def test_a_usable_database_has_no_problem(database):
    assert problems() == []


def test_a_database_that_is_replaced_is_read_again(database):
    assert place("81.2.69.7", language="en") == "Vienna, Austria"
    new = database.with_suffix(".new")
    place_database.write(new, {"81.2.69.0/24": {"city": {"names": {"en": "Graz"}}}})
    new.replace(database)
    assert place("81.2.69.7", language="en") == "Graz"


def broken(path, how):
    if how == "missing":
        path.unlink()
    elif how == "a folder":
        path.unlink()
        path.mkdir()
    elif how == "empty":
        path.write_bytes(b"")
    elif how == "no database":
        path.write_text("<html>404</html>")
    elif how == "cut":
        body = path.read_bytes()
        path.write_bytes(body[: len(body) // 2])


@pytest.mark.parametrize("how", ["missing", "a folder", "empty", "no database", "cut"])
def test_a_broken_database_means_no_place_one_warning_and_a_remedy(database, how, caplog):
    broken(database, how)
    with caplog.at_level(logging.WARNING, logger="tokens.account.place"):
        assert [place("81.2.69.7", language="en") for _ in range(3)] == ["", "", ""]
    assert len(caplog.records) == 1
    [(name, cause, hint)] = problems()
    assert name == "tokens.W801"
    assert str(database) in cause
    assert "or remove SESSION_PLACES" in hint


def test_damage_within_a_database_is_no_error(database, caplog):
    body = bytearray(database.read_bytes())
    start = body.index(b"names")
    body[start - 8 : start + 40] = os.urandom(48)
    database.write_bytes(bytes(body))
    for address in ("81.2.69.7", "2a02:100::/64"):
        assert isinstance(place(address, language="en"), str)


def test_a_reader_that_fails_means_no_place_and_a_remedy(database, monkeypatch, caplog):
    def fail(*_):
        raise IndexError

    monkeypatch.setattr(module, "_opened", fail)
    assert place("81.2.69.7", language="en") == ""
    [(name, cause, hint)] = problems()
    assert (name, hint) == ("tokens.W801", "Download it again, or remove SESSION_PLACES (docs/account.md).")
    assert "IndexError" in cause


def test_a_missing_package_means_no_place_and_a_remedy(database, monkeypatch):
    monkeypatch.setitem(sys.modules, "maxminddb", None)
    assert place("81.2.69.7", language="en") == ""
    cause, hint = problems()[0][1:]
    assert cause == "SESSION_PLACES: the package maxminddb is not installed."
    assert hint.startswith("Install keyturn[place]")


def test_a_database_without_places_is_reported(database):
    place_database.write(database, {"81.2.69.0/24": {"asn": 1}}, kind="Test-ASN")
    assert place("81.2.69.7", language="en") == ""
    assert "its type is Test-ASN" in problems()[0][1]


def test_places_without_stored_addresses_are_reported(database, settings):
    settings.ISSUER = settings.ISSUER | {"SESSION_ADDRESSES": False}
    assert [name for name, _, _ in problems()] == ["tokens.W802"]


def sessions(address, **headers):
    browser = Browser(REMOTE_ADDR=address)
    log_in(browser, make_user())
    return browser.get("/accounts/sessions/", HTTP_ACCEPT="text/html", **headers)


@pytest.mark.django_db
def test_the_page_shows_the_place_beside_the_address(database):
    html = sessions("81.2.69.7").content.decode()
    assert "From the address 81.2.69.7" in html
    assert "Place by the address: Vienna, Austria" in html


@pytest.mark.django_db
def test_the_page_shows_the_place_in_german(database):
    html = sessions("81.2.69.7", HTTP_ACCEPT_LANGUAGE="de").content.decode()
    assert "Ort laut Adresse: Wien, Österreich" in html


@pytest.mark.django_db
@pytest.mark.parametrize("changes", [{"SESSION_ADDRESSES": False}, {"SESSION_PLACES": None}])
def test_the_page_shows_no_place_without_both_settings(database, settings, changes):
    settings.ISSUER = settings.ISSUER | changes
    assert "Place by the address" not in sessions("81.2.69.7").content.decode()


@pytest.mark.django_db
def test_the_page_works_without_its_database(database):
    database.unlink()
    answer = sessions("81.2.69.7")
    assert (answer.status_code, "Place by the address" in answer.content.decode()) == (200, False)


@pytest.mark.django_db
def test_a_name_of_the_database_is_escaped(database):
    place_database.write(database, {"81.2.69.0/24": {"city": {"names": {"en": "<script>x"}}}})
    assert "&lt;script&gt;x" in sessions("81.2.69.7").content.decode()
