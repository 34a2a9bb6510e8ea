"""The pages of the example application are in English and German. No text in them lacks a translation."""

import json
import os
import subprocess
import sys

import pytest

from tests import catalogue, literal_texts
from tests.catalogue import EXAMPLE
from tests.tokens.test_languages import problems

TEMPLATES = catalogue.templates(EXAMPLE)
CODE = sorted(EXAMPLE.rglob("*.py"))
GERMAN = catalogue.catalogue("de", EXAMPLE)
PROBE = """
import json, sys, django
django.setup()
from django.template.loader import render_to_string
from django.test import Client
from django.utils import translation

def page(path, language):
    answer = Client(SERVER_NAME="localhost").get(path, HTTP_ACCEPT_LANGUAGE=language)
    headers = answer.headers
    return answer.status_code, headers.get("Content-Language"), headers.get("Vary"), answer.content.decode()

pages = {language: page("/", language) for language in ("de-AT", "en", "fr", "de;q=x", "")}
print(json.dumps({"pages": pages, "flow": page("/flow/", "de"), "callback": page("/callback?iss=x", "de")}))
"""


def shown(path):
    return path.relative_to(EXAMPLE).as_posix()


def test_each_text_is_translated():
    texts = catalogue.texts(EXAMPLE)
    assert {"Add note", "Break it", "The login failed", "The key verifies the signature", "signed token"} <= {*texts}
    assert problems(catalogue.read(GERMAN), texts) == []


def test_the_compiled_catalogue_is_that_of_the_text_file():
    assert GERMAN.with_suffix(".mo").read_bytes() == catalogue.compiled(catalogue.read(GERMAN), language="de")


@pytest.mark.parametrize("path", TEMPLATES, ids=shown)
def test_a_template_has_no_text_of_its_own(path):
    assert literal_texts.of_template(path.read_text(encoding="utf-8")) == []


@pytest.mark.parametrize("path", CODE, ids=shown)
def test_the_code_has_no_text_for_people_of_its_own(path):
    assert literal_texts.of_code(path.read_text(encoding="utf-8")) == []


@pytest.mark.parametrize("path", ["picture/steps.py", "picture/checks.py"])
def test_each_text_of_the_picture_is_marked(path):
    """Check that `gettext_noop` marks each text in picture/steps.py and picture/checks.py.

    Templates translate these texts as values of variables, so gettext finds the texts only by the marks.
    """
    from examples.webapp.picture import checks, steps  # noqa: PLC0415

    texts = {
        "picture/steps.py": {*steps.LIFELINES, *(text for arrow in steps.ARROWS for text in (arrow.label, arrow.text))},
        "picture/checks.py": {*checks.CHECKS, checks.PASSED, checks.REFUSED, checks.NOT_REACHED, checks.UNKNOWN},
    }
    marked = dict(catalogue.of_code((EXAMPLE / path).read_text(encoding="utf-8")))
    assert texts[path] <= {*marked}


@pytest.fixture(scope="module")
def probe():
    names = ("SECRET_KEY", "ISSUER_URL", "API_URL", "API_AUDIENCE", "WEBAPP_URL", "WEBAPP_CLIENT_ID")
    variables = dict.fromkeys((*names, "WEBAPP_CLIENT_SECRET"), "https://x.example") | {
        "DEBUG": "true",
        "DJANGO_SETTINGS_MODULE": "examples.webapp.settings",
        "PATH": os.environ["PATH"],
    }
    result = subprocess.run([sys.executable, "-c", PROBE], env=variables, capture_output=True, text=True, check=True)
    return json.loads(result.stdout)


@pytest.mark.processes
@pytest.mark.parametrize(
    ("accepted", "language", "text"),
    [
        ("de-AT", "de", "Ihre Notizen liegen bei einer API."),
        ("en", "en", "Your notes are stored at an API."),
        ("fr", "en", "Your notes are stored at an API."),
        ("de;q=x", "en", "Your notes are stored at an API."),
        ("", "en", "Your notes are stored at an API."),
    ],
)
def test_a_page_is_in_the_language_of_the_browser(probe, accepted, language, text):
    status, content_language, vary, html = probe["pages"][accepted]
    assert (status, content_language) == (200, language)
    assert "Accept-Language" in vary
    assert f'<html lang="{language}">' in html
    assert text in html


@pytest.mark.processes
def test_the_picture_is_in_german_with_its_arrows_and_buttons(probe):
    status, language, _, html = probe["flow"]
    assert (status, language) == (200, "de")
    for text in ("4. signiertes Token", ">Anwendung</text>", "Fehler auslösen", "Die API wurde noch nicht aufgerufen."):
        assert text in html


@pytest.mark.processes
def test_a_failure_is_in_german(probe):
    status, _, _, html = probe["callback"]
    assert status == 400
    assert "Die Antwort stammt nicht von unserem Aussteller" in html
