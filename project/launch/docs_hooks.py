"""Hooks of mkdocs for mkdocs.yml. They run in the environment of docs/requirements.txt, without Keyturn's packages.

- `folder/*` in the navigation stands for all pages of the folder that no other line names. `*` does the same for the
  folder docs/.
- CHANGELOG.md, CONTRIBUTING.md and SECURITY.md become pages of the site, with their links.
- Headings get the same anchors as on GitHub, so that a link works on GitHub and on the site.
- A link to a file outside of the documentation is replaced by the text of the link.
"""

import re
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent.parent
PAGES = ("CHANGELOG.md", "CONTRIBUTING.md", "SECURITY.md")
"""The pages in the root folder of the repository."""


def slug(title: str, separator: str = "-") -> str:
    """Return the anchor of a heading, as GitHub makes it."""
    return re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", separator)


def names(entries: Any) -> list[str]:
    """Return all pages and patterns (such as `folder/*`) in the navigation of mkdocs.yml, in order."""
    if isinstance(entries, str):
        return [entries]
    values = entries.values() if isinstance(entries, dict) else entries
    return [name for entry in values for name in names(entry)]


def expanded(entries: list[Any], pages: list[str], named: set[str]) -> list[Any]:
    """Return the navigation with pages in place of each `folder/*`.

    `entries` is the navigation. `pages` are all pages in docs/. A page in `named` has a line of its own in the
    navigation, so `folder/*` does not stand for it.
    """
    nav: list[Any] = []
    for entry in entries:
        if isinstance(entry, dict):
            nav.append(
                {
                    key: value if isinstance(value, str) else expanded(value, pages, named)
                    for key, value in entry.items()
                }
            )
        elif entry.endswith("*"):
            folder = entry.removesuffix("*").rstrip("/")
            nav += [page for page in pages if page.rpartition("/")[0] == folder and page not in named]
        else:
            nav.append(entry)
    return nav


def outside(text: str, folder: Path) -> str:
    """Return a page's text, in which each link to a file outside of the site is replaced by the link's text.

    `folder` is the folder of the page.
    """

    def replaced(match: re.Match[str]) -> str:
        label, address = match[1], match[2].partition("#")[0]
        if "://" in address or not address or address.startswith("mailto:"):
            return match[0]
        target = (folder / address).resolve()
        if target.parent == ROOT and target.name in PAGES:
            return match[0]
        return match[0] if target.is_relative_to(ROOT / "docs") else label

    return re.sub(r"(?<!!)\[([^\]]+)\]\(([^)\s]+)\)", replaced, text)


def on_config(config: Any) -> Any:
    """Replace each `folder/*` in the navigation by its pages, and make `slug` generate the anchors of headings.

    Returns the configuration of mkdocs.
    """
    pages = sorted(path.relative_to(ROOT / "docs").as_posix() for path in (ROOT / "docs").rglob("*.md"))
    config.nav = expanded(config.nav, pages, set(names(config.nav)))
    config.mdx_configs.setdefault("toc", {})["slugify"] = slug
    return config


def on_files(files: Any, config: Any) -> Any:
    """Add PAGES, the pages of the repository's root folder, to the files of the site. Return the files."""
    from mkdocs.structure.files import File  # noqa: PLC0415 (the other functions need no mkdocs)

    for name in PAGES:
        content = outside((ROOT / name).read_text(encoding="utf-8"), ROOT).replace("](docs/", "](")
        files.append(File.generated(config, name, content=content))
    return files


def on_page_markdown(markdown: str, *, page: Any, **_: Any) -> str:
    """Return the text of a page with links that work on the site."""
    if page.file.src_uri in PAGES:
        return markdown
    text = outside(markdown, (ROOT / "docs" / page.file.src_uri).parent)
    return re.sub(rf"\]\((?:\.\./)+({'|'.join(PAGES)})", lambda match: f"]({_up(page)}{match[1]}", text)


def _up(page: Any) -> str:
    return "../" * str(page.file.src_uri).count("/")
