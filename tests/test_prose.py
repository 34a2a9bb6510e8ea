"""The words of docstrings, comments, messages, templates and pages: plain technical English, readable at once.

- Each banned word is in a table with the reason, which a failing test shows.
- Every string of the source is checked, because a message can be a constant far from its `raise`, log call or `help=`.
- Each comment of the source is checked.
- A function's docstring begins with a verb ("Return …"). Ruff's D401 requires this, too. But D401 does not find some of
  the wrong openings, and does not check properties.
- The name of a test function has none of these words, and none of BANNED_IN_NAMES. It is the first text that is read if
  the test fails.
"""

import ast
import re
from collections.abc import Iterator
from functools import cache
from io import StringIO
from pathlib import Path
from tokenize import COMMENT, generate_tokens

import pytest

from tests.source_trees import ROOT, tree, walk

PACKAGES = ("keyturn_issuer", "tokens", "resources", "project", "examples", "bench")
PAGES = ("README.md", "CONTRIBUTING.md", "SECURITY.md")
TEMPLATE_ENDINGS = {".html", ".txt"}

NAME_THE_ACTOR = "name the actor: client, user, API, attacker, operator, another process"
SAY_WHEN = "write the instant, the event or the condition"
TERM_OF_ART = "use the term of art"
BANNED = {
    "whoever": NAME_THE_ACTOR,
    "whosever": NAME_THE_ACTOR,
    "theirs": NAME_THE_ACTOR,
    "whatever": "name the thing, or list what it can be",
    "wherever": 'write "if", or name the place',
    "anew": 'write "again"',
    "of late": SAY_WHEN,
    "lately": SAY_WHEN,
    "no longer ago": SAY_WHEN,
    "meanwhile": "name both events and their order",
    "besides": 'write "also", or begin a sentence of its own',
    "taken back": f"{TERM_OF_ART}: revoked",
    "take back": f"{TERM_OF_ART}: revoke",
    "takes back": f"{TERM_OF_ART}: revokes",
    "taking back": f"{TERM_OF_ART}: revoking",
    "let go": f"{TERM_OF_ART}: released, deleted",
}
WORD = re.compile(rf"\b({'|'.join(BANNED)})\b".replace(" ", r"\s+"), re.IGNORECASE)

SAY_WHAT_HAPPENS = "name what happens: is notified, gets the error, is raised, shows"
BANNED_IN_NAMES = BANNED | {
    "nobody": NAME_THE_ACTOR,
    "somebody": NAME_THE_ACTOR,
    "anybody": NAME_THE_ACTOR,
    "everybody": NAME_THE_ACTOR,
    "stranger": "name it: attacker, unregistered client, another key",
    "strangers": "name them: attackers, self-registered clients",
    "told": SAY_WHAT_HAPPENS,
    "tells": SAY_WHAT_HAPPENS,
    "learns": SAY_WHAT_HAPPENS,
    "dies": f"{TERM_OF_ART}: expires, exits",
    "dead": f"{TERM_OF_ART}: revoked, expired, given up",
    "lives": f"{TERM_OF_ART}: is valid, is kept",
    "outlives": f"{TERM_OF_ART}: is valid longer than, is kept longer than",
    "revives": f"{TERM_OF_ART}: restores",
    "revived": f"{TERM_OF_ART}: restored",
    "spent": f"{TERM_OF_ART}: used, redeemed, rotated",
    "denial": f"{TERM_OF_ART}: revocation",
    "shut out": f"{TERM_OF_ART}: revoked, refused",
    "heir": f"{TERM_OF_ART}: successor, standby",
    "held to": f"{TERM_OF_ART}: required to",
    "hurry": "write what is early or fast",
    "tolerant": "write what is accepted",
    "pretends": "write what is sent or forged",
}
NAME_WORD = re.compile(rf"(?:^|_)({'|'.join(BANNED_IN_NAMES)})(?=_|$)".replace(" ", "_"))
TEST_NAME = re.compile(r"\bdef[\s\\]+(test_\w*)")

PREDICATE = 'a predicate begins with "Return True if"'
ACTION = 'begin with a verb in the imperative, such as "Return"'
OPENINGS = {"what": ACTION, "whether": PREDICATE, "that": ACTION, "how": ACTION, "who": ACTION, "where": ACTION}
OPENING = re.compile(rf"({'|'.join(OPENINGS)})\b", re.IGNORECASE)
MARKUP = re.compile(r"{%.*?%}|{{.*?}}|{#.*?#}", re.DOTALL)


def banned_words(text: str) -> Iterator[tuple[int, str]]:
    """Yield each banned word of a text: the number of line breaks before it, and a message with the reason."""
    for match in WORD.finditer(text):
        word = " ".join(match[1].lower().split())
        yield text.count("\n", 0, match.start()), f'"{word}": {BANNED[word]}'


def wrong_opening(word: str) -> str:
    """Return the message about a docstring that begins with `word`."""
    return f'a docstring begins with "{word}": {OPENINGS[word.lower()]}'


def problems_of_source(source: str) -> list[tuple[int, str]]:
    """Return a line number and a message for each problem in the strings and function docstrings of Python source."""
    return problems_of_tree(ast.parse(source))


def problems_of_tree(parsed: ast.Module) -> list[tuple[int, str]]:
    """Return the same as `problems_of_source` for a syntax tree."""
    problems = []
    for node in walk(parsed):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            problems += [(node.lineno + below, problem) for below, problem in banned_words(node.value)]
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            opening = OPENING.match(ast.get_docstring(node) or "")
            problems += [(node.body[0].lineno, wrong_opening(opening[1]))] if opening else []
    return sorted(problems)


def problems_of_comments(source: str) -> list[tuple[int, str]]:
    """Return a line number and a message for each banned word in the comments of Python source."""
    # Most sources have no such word, and need not be read token by token.
    if not WORD.search(source):
        return []
    comments = (token for token in generate_tokens(StringIO(source).readline) if token.type == COMMENT)
    return [(comment.start[0], problem) for comment in comments for _, problem in banned_words(comment.string)]


def problems_of_template(text: str) -> list[tuple[int, str]]:
    """Return a line number and a message for each problem in the text of a Django template."""
    # Tags are replaced by their line breaks, so that the line numbers stay right.
    plain = MARKUP.sub(lambda tag: "\n" * tag[0].count("\n") or " ", text)
    return [(1 + below, problem) for below, problem in banned_words(plain)]


@cache
def files() -> tuple[Path, ...]:
    """Return the files of the packages, except migrations, which keep texts as they were when they were written."""
    everything = (path for package in PACKAGES for path in sorted((ROOT / package).rglob("*")))
    return tuple(path for path in everything if not {"migrations", "node_modules", "var"} & set(path.parts))


def report(path: Path, problems: list[tuple[int, str]]) -> list[str]:
    """Return one text for each problem, such as "path:12: message", which an editor can follow."""
    return [f"{path.relative_to(ROOT)}:{line}: {problem}" for line, problem in problems]


def test_docstrings_and_messages_use_no_banned_word_and_functions_begin_with_a_verb() -> None:
    sources = [path for path in files() if path.suffix == ".py"]
    assert sources
    reported = [line for path in sources for line in report(path, problems_of_tree(tree(path)))]
    assert reported == [], "\n".join(["", *reported])


def test_comments_use_no_banned_word() -> None:
    sources = [path for path in files() if path.suffix == ".py"]
    assert sources
    reported = [
        line for path in sources for line in report(path, problems_of_comments(path.read_text(encoding="utf-8")))
    ]
    assert reported == [], "\n".join(["", *reported])


def test_templates_use_no_banned_word() -> None:
    templates = [path for path in files() if path.suffix in TEMPLATE_ENDINGS and "templates" in path.parts]
    assert templates
    reported = [
        line for path in templates for line in report(path, problems_of_template(path.read_text(encoding="utf-8")))
    ]
    assert reported == [], "\n".join(["", *reported])


def problems_of_page(text: str) -> list[tuple[int, str]]:
    """Return a line number and a message for each problem in a documentation page (Markdown)."""
    return [(1 + below, problem) for below, problem in banned_words(text)]


def test_the_documentation_uses_no_banned_word() -> None:
    pages = [*sorted((ROOT / "docs").rglob("*.md")), *(ROOT / name for name in PAGES)]
    reported = [line for path in pages for line in report(path, problems_of_page(path.read_text(encoding="utf-8")))]
    assert reported == [], "\n".join(["", *reported])


def problems_of_names(source: str) -> list[tuple[int, str]]:
    """Return a line number and a message for each banned word in the names of test functions of Python source."""
    # Most sources have no such name, and need not be parsed.
    if not any(NAME_WORD.search(name) for name in TEST_NAME.findall(source)):
        return []
    functions = (
        node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    )
    return [
        (function.lineno, f'"{word}" in {function.name}: {BANNED_IN_NAMES[word]}')
        for function in functions
        if function.name.startswith("test_")
        for word in (match[1].replace("_", " ") for match in NAME_WORD.finditer(function.name))
    ]


def test_the_names_of_tests_use_no_banned_word() -> None:
    modules = sorted((ROOT / "tests").rglob("test_*.py"))
    assert modules
    reported = [line for path in modules for line in report(path, problems_of_names(path.read_text(encoding="utf-8")))]
    assert reported == [], "\n".join(["", *reported])


PLACES = {
    "the module's docstring": '"""Reads keys, {}."""',
    "a class's docstring": 'class Key:\n    """A key, {}."""',
    "a function's docstring": 'def read():\n    """Read, {}."""',
    "the second line of a docstring": 'def read():\n    """Read.\n\n    Then, {}.\n    """',
    "an attribute's docstring": 'LIMIT = 3\n"""Keys, {}."""',
    "raise": 'raise ValueError("no key, {}")',
    "raise from a constant": 'GONE = "no key, {}"\nraise ValueError(GONE)',
    "CommandError": 'raise CommandError("no key, {}", returncode=2)',
    "ValidationError": 'raise ValidationError({{"jwks": ["no key, {}"]}})',
    "a log message": 'logger.warning("no key, {}: %s", url)',
    "an f-string": 'raise ValueError(f"no key {{kid}}, {}")',
    "a message in two parts": 'raise ValueError("no key, " "{}")',
    "an option's help": 'parser.add_argument("--all", help="every key, {}")',
    "a field's help": 'models.TextField(help_text="every key, {}")',
}


@pytest.mark.parametrize("word", BANNED)
@pytest.mark.parametrize("place", PLACES)
def test_a_banned_word_is_found_in_each_place_and_the_reason_is_shown(place: str, word: str) -> None:
    ((_, problem),) = problems_of_source(PLACES[place].format(word))
    assert problem == f'"{word}": {BANNED[word]}'


@pytest.mark.parametrize("word", BANNED)
@pytest.mark.parametrize("comment", ["# A key, {}.", "key = 1  # {}"])
def test_a_banned_word_is_found_in_a_comment(comment: str, word: str) -> None:
    assert problems_of_comments(f"import key\n{comment.format(word)}\n") == [(2, f'"{word}": {BANNED[word]}')]


def test_a_banned_word_outside_of_comments_is_not_found_as_a_comment() -> None:
    assert problems_of_comments('whoever = "# besides"\n') == []


@pytest.mark.parametrize("word", BANNED)
def test_a_banned_word_is_found_in_a_template(word: str) -> None:
    assert problems_of_template(f"{{% if key %}}\n<p>A key, {word.capitalize()}.</p>\n{{% endif %}}") == [
        (2, f'"{word}": {BANNED[word]}')
    ]


@pytest.mark.parametrize("word", BANNED)
def test_a_banned_word_is_found_in_a_page(word: str) -> None:
    assert problems_of_page(f"# Keys\n\n| a key | {word} |\n") == [(3, f'"{word}": {BANNED[word]}')]


@pytest.mark.parametrize("word", BANNED_IN_NAMES)
@pytest.mark.parametrize("name", ["test_{}_key", "test_a_key_is_{}", "test_{}"])
@pytest.mark.parametrize("definition", ["def", "async def"])
def test_a_banned_word_is_found_in_the_name_of_a_test(definition: str, name: str, word: str) -> None:
    function = name.format(word.replace(" ", "_"))
    assert problems_of_names(f"import key\n\n{definition} {function}():\n    pass") == [
        (3, f'"{word}" in {function}: {BANNED_IN_NAMES[word]}')
    ]


@pytest.mark.parametrize(
    "source",
    [
        "def test_a_deadline_ends_a_liveness_probe():\n    pass",
        "def test_fields_are_withheld_to_the_end():\n    pass",
        "def whoever_is_told():\n    pass",
        "def test_a_key():\n    whoever = 1",
    ],
)
def test_other_names_are_not_found(source: str) -> None:
    assert problems_of_names(source) == []


def test_a_banned_phrase_is_found_across_a_line_break_and_its_line_is_named() -> None:
    assert [
        line for line, _ in problems_of_source('def read():\n    """Read.\n\n    The lock is let\n    go.\n    """')
    ] == [4]


@pytest.mark.parametrize("opening", OPENINGS)
@pytest.mark.parametrize("function", ["def key():", "async def key():", "@property\ndef key(self):"])
def test_a_function_docstring_that_begins_without_a_verb_is_found(function: str, opening: str) -> None:
    ((_, problem),) = problems_of_source(f'{function}\n    """{opening.capitalize()} is signed."""')
    assert problem.endswith(OPENINGS[opening])


@pytest.mark.parametrize(
    "source",
    [
        'def key():\n    """Return the key that signs, whichever ring has it, beside the latest one."""',
        'def key():\n    """Return True if the token was revoked, what its API can read, and where."""',
        'class Key:\n    """What signs a token."""',
        '"""What signs a token."""',
        "whoever = besides = 1  # whoever reads this comment",
        'raise ValueError("no key: a client took it back a longer time ago")',
        'def key():\n    """Thatch or Whatnot."""',
    ],
)
def test_other_words_and_openings_are_not_found(source: str) -> None:
    assert problems_of_source(source) == []


@pytest.mark.parametrize(
    "text", ["<p>The latest key, beside it.</p>", '{% trans "whoever" %}{# besides #}{{ theirs }}']
)
def test_a_template_s_other_words_and_its_tags_are_not_found(text: str) -> None:
    assert problems_of_template(text) == []
