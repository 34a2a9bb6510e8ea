"""The language of a response, depending on the path and the headers of the request."""

import pytest
from django.http import HttpRequest, HttpResponse
from django.utils import translation

from project import page_language

HTML = "text/html,*/*;q=0.8"


@pytest.fixture(autouse=True)
def language_of_the_project():
    """Activate the language LANGUAGE_CODE, because an earlier test can have activated another one."""
    with translation.override("en-us"):
        yield


def answered(accept=HTML, languages="", path="/accounts/", content_type="text/html; charset=utf-8"):
    """Send a request, and return two languages: the header Content-Language, and the active language in the view.

    The header is None if the response has none.
    """
    request = HttpRequest()
    request.path_info = path
    request.META |= {"HTTP_ACCEPT": accept, "HTTP_ACCEPT_LANGUAGE": languages}
    active = []

    def view(_):
        active.append(translation.get_language())
        return HttpResponse(content_type=content_type)

    header = page_language.page_language(view)(request).headers.get("Content-Language")
    return header, *active


@pytest.mark.parametrize(
    ("languages", "language"),
    [
        ("de", "de"),
        ("de-CH", "de"),
        ("DE-AT;q=0.4, fr", "de"),
        ("en;q=0.3, de;q=0.7", "de"),
        ("fr, en;q=0.5, de;q=0.4", "en"),
        ("fr", "en"),
        ("*", "en"),
        ("", "en"),
        ("deu", "en"),
        ("de;q=0, en", "en"),
        ("de;q=0", "en"),
        ("de" + "-x" * 1000, "en"),
        ("\x00,;=q", "en"),
        ("de,", "de"),
    ],
)
def test_a_page_is_in_the_preferred_language(languages, language):
    assert answered(languages=languages) == (language, language)


@pytest.mark.parametrize("accept", ["", "*/*", "application/json"])
def test_a_request_that_accepts_no_page_is_english(accept):
    assert answered(accept=accept, languages="de") == (None, "en-us")


def test_an_answer_that_is_no_page_does_not_name_a_language():
    assert answered(languages="de", content_type="application/json") == (None, "de")


def test_the_admin_has_the_language_of_the_browser():
    assert answered(languages="de", path="/admin/tokens/client/") == ("de", "de")


def test_the_first_language_of_the_operator_is_the_default(settings):
    settings.ISSUER = settings.ISSUER | {"LANGUAGES": ["de", "en"]}
    assert answered(languages="fr") == ("de", "de")
    assert answered(languages="en") == ("en", "en")


def test_the_language_ends_with_the_request():
    answered(languages="de")
    assert translation.get_language() == "en-us"
