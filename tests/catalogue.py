"""The translation catalogues of `tokens/locale/` and of the example application: extract, write and compile.

`python -m tests.catalogue` adds new texts of the code to each `django.po`, drops texts that the code no longer has, and
compiles `django.mo`. It does not need gettext's tools. New entries have no translation.
`tests/tokens/test_languages.py` then fails and names them.

- In code, a text is the first argument of a function in `MARKS`. In a template, it is in `translate` or
  `blocktranslate`. The texts of database tables are those that `tokens/models/translation.py` marks.
- An entry is a msgid, its plural or "", and its translations: one, or one for each plural form.
"""

import ast
import re
import struct
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from django.apps import apps
from django.template import engines
from django.template.base import Node
from django.templatetags.i18n import BlockTranslateNode, TranslateNode

ROOT = Path(__file__).resolve().parent.parent
TOKENS = ROOT / "tokens"
EXAMPLE = ROOT / "examples" / "webapp"
MARKS = frozenset({"_", "gettext", "gettext_lazy", "gettext_noop", "ngettext", "ngettext_lazy", "sentence"})
HEADER = (
    "Project-Id-Version: keyturn\nLanguage: {language}\nMIME-Version: 1.0\nContent-Type: text/plain; charset=UTF-8\n"
    "Content-Transfer-Encoding: 8bit\nPlural-Forms: nplurals=2; plural=(n != 1);\n"
)
FIELD = re.compile(r'(msgid_plural|msgid|msgstr(?:\[\d\])?) (".*")')
ARGUMENT = re.compile(r'[:=\s]_\("([^"]+)"\)')
"""A text that a filter or tag of a template has as its argument."""

Texts = dict[str, str]
"""By msgid: its plural, or ""."""


@dataclass(slots=True)
class Entry:
    """An entry of a gettext catalogue: a text and its translations."""

    msgid: str = ""
    plural: str = ""
    translations: list[str] = field(default_factory=list)
    is_fuzzy: bool = False


def texts(folder: Path = TOKENS) -> Texts:
    """Return the texts to translate in the code and templates of a folder, in the order of the files.

    For TOKENS, also the texts of database tables and the topics of recipes.
    """
    in_folder: Texts = {}
    for path in sorted(folder.rglob("*.py")):
        in_folder |= dict(of_code(path.read_text(encoding="utf-8")))
    for path in templates(folder):
        in_folder |= dict(of_template(path.read_text(encoding="utf-8")))
    return in_folder | dict(of_tables()) | dict.fromkeys(topics(), "") if folder == TOKENS else in_folder


def templates(folder: Path) -> list[Path]:
    """Return the template files of an app, and of the apps in its folder."""
    return sorted(path for place in folder.rglob("templates") for path in place.rglob("*.*"))


def topics() -> list[str]:
    """Return the topics of the recipes (registrations of known programs).

    The topics are translated, but the recipes themselves are in English.
    """
    from tokens.recipes import catalog  # noqa: PLC0415

    return sorted({recipe.topic for recipe in catalog.recipes().values()})


def of_tables() -> Iterator[tuple[str, str]]:
    """Yield the texts to translate in the database models, each with "" as its plural.

    These are the names of all tables, and the texts of the fields if the admin shows the table. Texts of Django's user
    model are left out.
    """
    from django.contrib import admin  # noqa: PLC0415 (needs the apps)
    from django.contrib.auth.models import AbstractUser  # noqa: PLC0415

    from tokens.models import translation  # noqa: PLC0415

    inlines = {inline.model for inline in admin.TabularInline.__subclasses__()}
    by_django = {*translation.texts(AbstractUser)}
    for model in (*apps.get_app_config("tokens").get_models(), apps.get_model("mfa", "Authenticator")):
        is_shown = admin.site.is_registered(model) or model in inlines
        strings = [*translation.names(model), *(translation.texts(model) if is_shown else ())]
        yield from ((text, "") for text in strings if text not in by_django)


def of_code(source: str) -> Iterator[tuple[str, str]]:
    """Yield the texts to translate in the source of a module, each with its plural or ""."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in MARKS:
            literal = [argument.value for argument in node.args[:2] if isinstance(argument, ast.Constant)]
            if literal:
                yield literal[0], literal[1] if node.func.id.startswith("ngettext") else ""


def of_template(source: str) -> Iterator[tuple[str, str]]:
    """Yield the texts to translate in the source of a template, each with its plural or ""."""
    for node in engines["django"].from_string(source).template.nodelist.get_nodes_by_type(Node):
        if isinstance(node, TranslateNode):
            if node.filter_expression.var.literal is not None:  # a variable has a text that the code marks
                yield node.filter_expression.var.literal, ""
        elif isinstance(node, BlockTranslateNode):
            plural = node.render_token_list(node.plural)[0] if node.plural else ""
            yield node.render_token_list(node.singular)[0], plural
    yield from ((text, "") for text in ARGUMENT.findall(source))


def read(path: Path) -> list[Entry]:
    """Return the entries of a .po file, without its header."""
    entries, entry, name = list[Entry](), Entry(), ""
    for line in [*path.read_text(encoding="utf-8").splitlines(), ""]:
        if not line:
            entries, entry, name = [*entries, *([entry] if entry.msgid else [])], Entry(), ""
        elif line.startswith("#"):
            entry.is_fuzzy = entry.is_fuzzy or (line.startswith("#,") and "fuzzy" in line)
        else:
            match = FIELD.fullmatch(line)
            name = match[1] if match else name
            _append(entry, name, ast.literal_eval(match[2] if match else line), is_first=match is not None)
    return entries


def _append(entry: Entry, name: str, text: str, *, is_first: bool) -> None:
    if name == "msgid":
        entry.msgid += text
    elif name == "msgid_plural":
        entry.plural += text
    elif is_first:
        entry.translations.append(text)
    else:
        entry.translations[-1] += text


def write(path: Path, entries: list[Entry], *, language: str) -> None:
    """Write the entries to the .po file of a language."""
    lines = ['msgid ""', 'msgstr ""', *(_quoted(f"{line}\n") for line in HEADER.format(language=language).splitlines())]
    for entry in entries:
        lines += ["", *(["#, fuzzy"] if entry.is_fuzzy else []), f"msgid {_quoted(entry.msgid)}"]
        lines += [f"msgid_plural {_quoted(entry.plural)}"] if entry.plural else []
        forms = [f"[{number}]" for number in range(2)] if entry.plural else [""]
        translations = entry.translations or [""] * len(forms)
        lines += [f"msgstr{form} {_quoted(text)}" for form, text in zip(forms, translations, strict=True)]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


def _quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n") + '"'


def compiled(entries: list[Entry], *, language: str) -> bytes:
    """Return the content of the .mo file with those entries that are completely translated and not fuzzy.

    The file begins with two sorted tables of lengths and offsets (GNU gettext manual, section "MO Files").
    """
    pairs = {"": HEADER.format(language=language)} | {
        "\0".join(filter(None, (entry.msgid, entry.plural))): "\0".join(entry.translations)
        for entry in entries
        if all(entry.translations) and not entry.is_fuzzy
    }
    rows = sorted((msgid.encode(), text.encode()) for msgid, text in pairs.items())
    start = 28 + 16 * len(rows)
    tables, body = [b"", b""], b""
    for column in (0, 1):
        for row in rows:
            tables[column] += struct.pack("<2I", len(row[column]), start + len(body))
            body += row[column] + b"\0"
    return struct.pack("<7I", 0x950412DE, 0, len(rows), 28, 28 + 8 * len(rows), 0, start) + b"".join(tables) + body


def catalogue(language: str, folder: Path = TOKENS) -> Path:
    """Return the path of a language's .po file."""
    return folder / "locale" / language / "LC_MESSAGES" / "django.po"


def update(language: str, folder: Path = TOKENS) -> None:
    """Rewrite the .po and .mo files of a language, with the texts of the code in `folder`."""
    path = catalogue(language, folder)
    stored = {(entry.msgid, entry.plural): entry for entry in (read(path) if path.exists() else [])}
    entries = [stored.get(text) or Entry(*text) for text in texts(folder).items()]
    path.parent.mkdir(parents=True, exist_ok=True)
    write(path, entries, language=language)
    path.with_suffix(".mo").write_bytes(compiled(entries, language=language))


if __name__ == "__main__":
    import os

    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.settings")
    import django

    django.setup()
    from tokens.languages import LANGUAGES

    for name in LANGUAGES[1:]:
        update(name)
        update(name, EXAMPLE)
