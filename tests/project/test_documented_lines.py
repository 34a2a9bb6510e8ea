"""Each command line of README and the documentation is run by a test. tests/documented.py lists the exceptions."""

import re

import pytest

from tests import documented
from tests.documented import AS_PRINTED, BY_HAND, IN_ANOTHER_FORM, ROOT, Line, assigned, of_pages

LINES = documented.lines()


def test_each_line_is_run_as_it_is_printed_or_assigned_to_a_test_that_runs_it_in_another_form():
    here = documented.here()
    unlisted = [
        f"{line.page}: {line.text}"
        for line in LINES
        if line not in here and not any(assigned(line, table) for table in (AS_PRINTED, IN_ANOTHER_FORM, BY_HAND))
    ]
    assert unlisted == [], "no test runs these lines: assign them in tests/documented.py, or write a test"


def test_most_lines_are_run_as_they_are_printed():
    here = documented.here()
    printed = [line for line in LINES if line in here or assigned(line, AS_PRINTED)]
    assert len(LINES) > 200
    assert len(printed) >= 0.88 * len(LINES)
    assert len({line.page for line in printed}) > 75
    assert len([line for line in LINES if assigned(line, BY_HAND)]) <= 3


@pytest.mark.parametrize("test", sorted({*of_pages(AS_PRINTED).values(), *of_pages(IN_ANOTHER_FORM).values()}))
def test_a_test_that_runs_lines_exists(test):
    path, _, name = test.partition("::")
    assert re.search(rf"^def {name}\(", (ROOT / path).read_text(encoding="utf-8"), re.MULTILINE)


@pytest.mark.parametrize(("page", "text"), [*of_pages(AS_PRINTED), *of_pages(IN_ANOTHER_FORM), *of_pages(BY_HAND)])
def test_each_pattern_has_a_line(page, text):
    assert any(re.fullmatch(page, line.page) and re.search(text, line.text) for line in LINES)


@pytest.mark.parametrize(
    ("text", "is_simple"),
    [
        ("python manage.py keys --check", True),
        ("manage.py create_api --scope 'a|b=See <x>'", True),
        ("manage.py certification_setup > plan.json", True),
        ("manage.py certification_setup > plan.json; ls", False),
        ("manage.py certification_setup > $plan", False),
        ("manage.py certification_setup >> plan.json", False),
        ("manage.py flush_token X | sh", False),
        ("TOKEN=$(manage.py x)", False),
        ("curl https://issuer.example", False),
    ],
)
def test_a_line_for_a_shell_is_distinguished_from_a_command(text, is_simple):
    assert Line("README.md", text).is_simple == is_simple


def test_a_line_is_joined_and_loses_its_comment(tmp_path):
    page = ROOT / "docs" / "key-rotation.md"
    texts = [line.text for line in documented.lines_of(page)]
    assert "manage.py rotate_keys --ring orders --algorithm ES256" in texts
