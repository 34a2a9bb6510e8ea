"""Texts that core modules make for an HTML page are in the language of the page."""

import pytest
from django.utils import translation

from tokens.keys.errors import UnknownKey
from tokens.keys.rules.lifecycle import Phase
from tokens.languages import sentence
from tokens.page_text import translated

NO_KEY = sentence("the ring {ring!r} has no key to revoke", ring="default")


def test_a_sentence_is_its_english_text():
    assert NO_KEY == "the ring 'default' has no key to revoke"
    assert f"{UnknownKey(NO_KEY)}" == NO_KEY


@pytest.mark.parametrize("text", [NO_KEY, UnknownKey(NO_KEY)])
def test_a_page_shows_a_sentence_and_an_error_in_its_language(text):
    with translation.override("de"):
        assert translated(text) == "der Ring 'default' hat keinen Schlüssel, der sich widerrufen ließe"
    with translation.override("en"):
        assert translated(text) == NO_KEY


def test_the_values_of_a_sentence_are_translated_too():
    outer = sentence("{phase}, ring {ring}", phase=Phase.REVOKED, ring="default")
    inner = sentence("{cause} Try again.", cause=sentence("it is not revoked"))
    with translation.override("de"):
        assert translated(outer) == "widerrufen, Ring default"
        assert translated(inner) == "es ist nicht widerrufen Versuchen Sie es erneut."


def test_a_text_that_is_no_sentence_stays_even_if_the_catalogue_has_it():
    with translation.override("de"):
        assert [translated(text) for text in ("Reason", "", 5)] == ["Reason", "", "5"]


def test_a_value_with_braces_is_not_filled_in():
    assert translated(sentence("{cause} Try again.", cause="{x} %(y)s")) == "{x} %(y)s Try again."
