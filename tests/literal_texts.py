"""Finds texts for users that are not marked for translation, in templates and in the admin's code.

- In a template: text between tags, and attributes that browsers show or screen readers read aloud.
- In code: a literal that is used as a label, help text, title, description or message.
"""

import ast
import re
from collections.abc import Iterator
from html.parser import HTMLParser

from django.template import engines
from django.template.base import NodeList, TextNode

TEXT_ATTRIBUTES = {"alt", "aria-label", "aria-description", "placeholder", "title"}
SILENT = {"code", "script", "style", "pre"}
LETTERS = re.compile(r"[^\W\d_]{2,}")
NAMES = re.compile(r"\b(UTC|client_id|client_secret|kid|JavaScript)\b")
"""Names that are the same in each language."""

FILLED = "·"
"""Stands for what is filled in."""
WITHIN_TAGS = {"bodyclass", "coltype", "width"}
"""Blocks whose content is in a tag."""

KEYWORDS = {"label", "help_text", "description", "verbose_name", "verbose_name_plural", "empty_label"}
ATTRIBUTES = {"search_help_text", "verbose_name", "verbose_name_plural", "title", "short_description", "site_header"}
ENTRIES = {"title", "description"}
CALLS = {"message_user": 1, "error": 1, "success": 1, "warning": 1, "add_error": 1, "ValidationError": 0}
"""By function: the position of its message."""


class Texts(HTMLParser):
    """An HTML parser that collects the texts that users read or hear."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []
        self.silent = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.silent += tag in SILENT
        given = dict(attrs)
        spoken = [value for name, value in attrs if name in TEXT_ATTRIBUTES]
        spoken += [given.get("value")] if tag == "input" and given.get("type") == "submit" else []
        self.found += [value or "" for value in spoken]

    def handle_endtag(self, tag: str) -> None:
        self.silent -= tag in SILENT

    def handle_data(self, data: str) -> None:
        self.found += [] if self.silent else [data]


def of_template(source: str) -> list[str]:
    """Return the texts in the source of a template that are not marked for translation."""
    parser = Texts()
    template = engines["django"].from_string(source).template  # type: ignore[attr-defined]
    parser.feed("".join(_literals(template.nodelist)))
    return [text.strip() for text in parser.found if LETTERS.search(NAMES.sub("", text))]


def _literals(nodes: NodeList) -> Iterator[str]:
    """Yield the literal parts of a template in order, and FILLED for each tag or variable between them."""
    for node in nodes:
        if isinstance(node, TextNode):
            yield node.s
        elif getattr(node, "name", "") not in WITHIN_TAGS:
            inner = [getattr(node, name, None) for name in node.child_nodelists]
            branches = [branch for _, branch in getattr(node, "conditions_nodelists", [])]
            for child in [*filter(None, inner), *branches]:
                yield from _literals(child)
            yield FILLED


def of_code(source: str) -> list[str]:
    """Return the literals in the source of a module that are shown to users."""
    return [text for node in ast.walk(ast.parse(source)) for place in _places(node) if (text := _literal(place))]


def _places(node: ast.AST) -> Iterator[ast.expr | None]:
    if isinstance(node, ast.Call):
        yield from (keyword.value for keyword in node.keywords if keyword.arg in KEYWORDS)
        name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
        yield from node.args[CALLS[name] : CALLS[name] + 1] if name in CALLS else []
    elif isinstance(node, ast.Assign):
        named = {getattr(target, "id", getattr(target, "attr", "")) for target in node.targets}
        yield node.value if named & ATTRIBUTES else None
    elif isinstance(node, ast.Dict):
        pairs = zip(node.keys, node.values, strict=True)
        yield from (value for key, value in pairs if isinstance(key, ast.Constant) and key.value in ENTRIES)


def _literal(node: ast.expr | None) -> str:
    """Return the text of a string literal that has words, or "" for any other node."""
    if isinstance(node, ast.JoinedStr):
        parts = [part.value for part in node.values if isinstance(part, ast.Constant)]
        text = " ".join(map(str, parts))
    else:
        text = node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else ""
    return text if LETTERS.search(text) else ""
