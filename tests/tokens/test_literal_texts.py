"""Each text of a template or of the admin is marked for translation."""

from pathlib import Path

import pytest

from tests import literal_texts

TOKENS = Path(__file__).resolve().parents[2] / "tokens"
TEMPLATES = sorted(path for path in (TOKENS / "templates").rglob("*.*") if path.parent.name != "snippets")
CODE = sorted(path for room in ("admin", "views", "factors", "account") for path in (TOKENS / room).rglob("*.py"))


def shown(path):
    return path.relative_to(TOKENS).as_posix()


@pytest.mark.parametrize("path", TEMPLATES, ids=shown)
def test_a_template_has_no_text_of_its_own(path):
    assert literal_texts.of_template(path.read_text(encoding="utf-8")) == []


@pytest.mark.parametrize("path", CODE, ids=shown)
def test_an_edge_has_no_text_for_people_of_its_own(path):
    assert literal_texts.of_code(path.read_text(encoding="utf-8")) == []


@pytest.mark.parametrize(
    "source",
    [
        "<p>One</p>",
        "<p>{{ x }} two</p>",
        '{% if x %}{% else %}<input type="submit" value="Save">{% endif %}',
        '<div aria-label="Keys"></div>',
        '{% load i18n %}{% for y in x %}{% translate "One" %} two{% endfor %}',
    ],
)
def test_a_literal_of_a_template_is_found(source):
    assert literal_texts.of_template(source) != []


@pytest.mark.parametrize(
    "source",
    [
        '{% load i18n %}<p>{% translate "One" %}</p>',
        "<p>{{ x }} UTC</p>",
        "<script>let one = 1</script><code>manage.py</code>",
        '<input name="q" value="One">',
    ],
)
def test_a_marked_text_and_a_text_that_no_user_reads_are_no_literals(source):
    assert literal_texts.of_template(source) == []


@pytest.mark.parametrize(
    "source",
    [
        'x = F(label="One")',
        'x = F(help_text=f"One {y}")',
        'self.message_user(request, "Done.", 5)',
        'raise ValidationError("Wrong.")',
        'self.add_error("name", "Wrong.")',
        'context = {"title": "One"}',
        'search_help_text = "One"',
    ],
)
def test_a_literal_of_the_code_is_found(source):
    assert literal_texts.of_code(source) != []


@pytest.mark.parametrize("source", ['x = F(label=_("One"))', 'x = F(label=f"{y}")', 'title = gettext("One")'])
def test_a_marked_text_of_the_code_is_no_literal(source):
    assert literal_texts.of_code(source) == []
