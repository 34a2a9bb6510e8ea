"""The languages of the pages, and their catalogues: each text has a translation with the same placeholders."""

import re
from gettext import GNUTranslations

import pytest

from tests import catalogue
from tests.catalogue import Entry
from tokens.languages import LANGUAGES, MalformedLanguages, parse, preferred

PLACEHOLDER = re.compile(r"%\(\w+\)[sd]|\{\w*(?:![rs])?(?::[^}]*)?\}|</?\w+>")
TRANSLATED = LANGUAGES[1:]


def problems(entries, texts):
    """Return the texts of a catalogue that have a problem.

    The problems are a missing translation, an entry whose text no longer exists, and an incomplete or fuzzy
    translation.
    """
    by_text = {(entry.msgid, entry.plural): entry for entry in entries}
    missing = [msgid for msgid, plural in texts.items() if (msgid, plural) not in by_text]
    gone = [entry.msgid for entry in entries if texts.get(entry.msgid) != entry.plural]
    return missing + gone + [entry.msgid for entry in entries if not is_done(entry)]


def is_done(entry):
    """Return True if the entry is completely translated and not fuzzy.

    Singular and plural must each have a translation with the same placeholders and tags as the text.
    """
    wanted = [entry.msgid, entry.plural] if entry.plural else [entry.msgid]
    same = [sorted(PLACEHOLDER.findall(text)) for text in wanted] == [
        sorted(PLACEHOLDER.findall(text)) for text in entry.translations
    ]
    return all(entry.translations) and same and not entry.is_fuzzy


@pytest.mark.parametrize("language", TRANSLATED)
def test_each_text_is_translated(language):
    assert problems(catalogue.read(catalogue.catalogue(language)), catalogue.texts()) == []


@pytest.mark.parametrize("language", TRANSLATED)
def test_the_compiled_catalogue_is_that_of_the_text_file(language):
    path = catalogue.catalogue(language)
    assert path.with_suffix(".mo").read_bytes() == catalogue.compiled(catalogue.read(path), language=language)


@pytest.mark.parametrize("language", TRANSLATED)
def test_python_reads_the_compiled_catalogue(language):
    with catalogue.catalogue(language).with_suffix(".mo").open("rb") as file:
        compiled = GNUTranslations(file)
    for entry in catalogue.read(catalogue.catalogue(language)):
        forms = [compiled.ngettext(entry.msgid, entry.plural, number) for number in (1, 2)]
        assert (forms if entry.plural else [compiled.gettext(entry.msgid)]) == entry.translations


@pytest.mark.parametrize(
    "entry",
    [
        Entry("One", "", [""]),
        Entry("One", "", ["Eins"], is_fuzzy=True),
        Entry("%(number)s one", "", ["%(nummer)s eins"]),
        Entry("<strong>One</strong>", "", ["Eins"]),
        Entry("%(n)s one", "%(n)s ones", ["%(n)s eins"]),
    ],
)
def test_an_unfinished_translation_is_found(entry):
    assert problems([entry], {entry.msgid: entry.plural}) == [entry.msgid]


def test_a_text_without_an_entry_and_an_entry_without_a_text_are_found():
    assert problems([Entry("One", "", ["Eins"])], {"Two": ""}) == ["Two", "One"]


def test_the_texts_of_code_and_templates_are_found():
    code = 'x = _("One"); y = ngettext("%(n)s a", "%(n)s b", 2); z = str("None")'
    assert list(catalogue.of_code(code)) == [("One", ""), ("%(n)s a", "%(n)s b")]
    template = (
        '{% load i18n %}{% if x %}{% translate "One" %}{% endif %}{{ y|default:_("Two") }}'
        "{% blocktranslate trimmed count number=2 %}\n  {{ number }} a\n{% plural %}\n  {{ number }} b\n"
        "{% endblocktranslate %}"
    )
    texts = [("One", ""), ("%(number)s a", "%(number)s b"), ("Two", "")]
    assert list(catalogue.of_template(template)) == texts


def test_a_catalogue_is_read_as_it_was_written(tmp_path):
    entries = [Entry('A "b"\\\n', "", ["ü"]), Entry("One", "Ones", ["Eins", "Mehr"], is_fuzzy=True)]
    catalogue.write(tmp_path / "x.po", entries, language="de")
    assert catalogue.read(tmp_path / "x.po") == entries


@pytest.mark.parametrize(
    ("tags", "language"),
    [
        (["de"], "de"),
        (["de-AT", "en"], "de"),
        (["DE"], "de"),
        (["fr", "en-GB", "de"], "en"),
        (["den"], None),
        (["fr"], None),
        (["*"], None),
        ([""], None),
        ([], None),
    ],
)
def test_the_first_offered_language_is_preferred(tags, language):
    assert preferred(tags, LANGUAGES) == language


def test_a_language_that_is_not_offered_is_not_preferred():
    assert preferred(["de"], ("en",)) is None


def test_an_operator_offers_languages_with_a_catalogue_only():
    assert (parse(["de"]), parse(["de", "en", "de"])) == (("de",), ("de", "en"))
    for names in ([], ["fr"], ["en", "fr"], ["EN"]):
        with pytest.raises(MalformedLanguages, match="LANGUAGES must name one or more of: en, de"):
            parse(names)
