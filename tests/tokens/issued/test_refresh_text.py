"""The text of a refresh token.

A MAC covers the whole text. The text is derived from the text of the previous token of the family and from an
encryption key, so another key gives another text.
"""

import secrets

import pytest

from tokens.encryption import parse
from tokens.issued import refresh_text

FORMER, FIRST = (parse([secrets.token_urlsafe(32)])[0] for _ in range(2))
FAMILY = secrets.token_urlsafe(32)
TEXT = refresh_text.first(FAMILY, key=FORMER)


def other(letter):
    return "A" if letter != "A" else "B"


def test_a_text_names_its_family_and_generation():
    assert refresh_text.family(TEXT) == FAMILY
    assert refresh_text.generation(TEXT, [FORMER]) == 0
    second = refresh_text.successor(TEXT, generation=1, key=FORMER)
    assert (refresh_text.family(second), refresh_text.generation(second, [FORMER])) == (FAMILY, 1)


@pytest.mark.parametrize("position", range(len(TEXT)))
def test_a_text_with_one_character_changed_was_never_issued(position):
    changed = TEXT[:position] + other(TEXT[position]) + TEXT[position + 1 :]
    assert refresh_text.generation(changed, [FORMER]) is None


@pytest.mark.parametrize(
    "damage",
    [
        lambda text: f"{text} ",
        lambda text: f" {text}",
        lambda text: text[:-1],
        lambda text: text[:64],
        lambda text: text + "A",
        lambda text: text + "=",
        lambda text: text + ".",
        lambda text: text.upper(),
        lambda text: text.rpartition(".")[0],
        lambda text: text.replace(".0.", ".1."),
        lambda text: text.replace(".0.", ".00."),
        lambda text: text + text,
        lambda text: text.replace(".", ""),
        lambda _: FAMILY,
        lambda _: f"{FAMILY}.{secrets.token_urlsafe(32)}",
        lambda _: "",
        lambda _: ".",
        lambda _: "...",
        lambda _: "é.é.é.é",
    ],
)
def test_a_damaged_text_was_never_issued(damage):
    assert refresh_text.generation(damage(TEXT), [FORMER]) is None


def test_two_first_texts_of_a_family_differ():
    assert refresh_text.first(FAMILY, key=FORMER) != TEXT


def test_a_successor_is_the_same_for_the_same_predecessor_and_for_no_other():
    made = refresh_text.successor(TEXT, generation=1, key=FORMER)
    assert made == refresh_text.successor(TEXT, generation=1, key=FORMER)
    sibling = refresh_text.first(FAMILY, key=FORMER)
    different = {
        refresh_text.successor(sibling, generation=1, key=FORMER),
        refresh_text.successor(TEXT, generation=2, key=FORMER),
        refresh_text.successor(TEXT, generation=1, key=FIRST),
    }
    own_parts = {text.split(".")[2] for text in different}
    assert made not in different
    assert len(different) == 3
    assert TEXT.split(".")[3] not in own_parts, "the tag of a token tells nothing about its successor"


def test_a_text_of_an_earlier_version_gets_a_successor_of_its_family():
    for old in (FAMILY, f"{FAMILY}.{secrets.token_urlsafe(32)}"):
        made = refresh_text.successor(old, generation=1, key=FORMER)
        assert (refresh_text.family(made), refresh_text.generation(made, [FORMER])) == (FAMILY, 1)


def test_every_key_authenticates_what_it_made():
    assert refresh_text.generation(TEXT, [FIRST, FORMER]) == 0
    assert refresh_text.generation(TEXT, [FIRST]) is None
    assert refresh_text.generation(TEXT, []) is None


def test_a_text_in_the_form_of_a_refresh_token_can_be_one_and_a_jwt_cannot():
    former = f"{FAMILY}.{secrets.token_urlsafe(24)}"  # of earlier versions
    assert all(
        refresh_text.can_be(text) for text in (TEXT, former, refresh_text.successor(TEXT, generation=9, key=FORMER))
    )
    assert not refresh_text.can_be("e30.e30.c2lnbmF0dXJl")
