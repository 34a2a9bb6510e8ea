"""The documentation page about the endpoints, made from the URL configurations of issuer and API."""

import inspect
import re
from collections.abc import Iterator
from importlib import import_module
from typing import Any

from django.urls import URLPattern, URLResolver

from tests.reference.markdown import MADE, angles, table

HEAD = f"""# Endpoints

{MADE}

The paths are relative to `ISSUER_URL` and to the URL of the API. The admin's pages are in [admin.md](../admin.md).
"""
EXCLUDED = ("admin/",)
FOREIGN = {
    "Provide a redirect on any GET request.",
    "Render a template. Pass keyword arguments from the URLconf to the context.",
}
"""Docstrings of Django's own views, which say nothing about the page."""


def routes(patterns: list[Any], prefix: str = "") -> Iterator[tuple[str, URLPattern]]:
    """Yield the path and the URL pattern of each endpoint, without the admin."""
    for pattern in patterns:
        path = prefix + str(pattern.pattern)
        if path in EXCLUDED:
            continue
        if isinstance(pattern, URLResolver):
            yield from routes(pattern.url_patterns, path)
        else:
            yield path, pattern


def readable(path: str) -> str:
    """Return a path of the URL configuration with plain names for its parameters, as in `/oauth/register/CLIENT_ID`."""
    path = re.sub(r"\(\?P<(\w+)>(?:[^()]|\([^()]*\))*\)", lambda match: match[1].upper(), path)
    path = re.sub(r"<(?:\w+:)?(\w+)>", lambda match: match[1].upper(), path)
    return "/" + re.sub(r"\\(.)", r"\1", path.replace("^", "").replace("$", "").removesuffix("/?")).lstrip("/")


def meaning(pattern: URLPattern) -> str:
    """Return the first paragraph of the docstring of the pattern's view.

    Returns "" if the docstring is in FOREIGN. These docstrings are Django's own, and say nothing about the endpoint.
    """
    view: Any = pattern.callback
    view = getattr(view, "view_class", None) or getattr(view, "cls", None) or inspect.unwrap(view)
    text = (inspect.getdoc(view) or "").partition("\n\n")[0]
    return "" if text in FOREIGN else angles(text)


def rows(module: str) -> list[tuple[str, str, str]]:
    """Return the table rows (path, name, meaning) for the endpoints of the URL configuration `module`.

    Omits paths with a format suffix.
    """
    endpoints = {
        readable(path): (pattern.name or "", meaning(pattern))
        for path, pattern in routes(import_module(module).urlpatterns)
        if "format" not in path
    }
    return [(f"`{path}`", f"`{name}`" if name else "", text) for path, (name, text) in endpoints.items()]


def page() -> str:
    """Return the documentation page about the endpoints of issuer and API, in Markdown."""
    head = ("path", "name", "what it does")
    return (
        f"{HEAD}\n## The issuer\n\n{table(head, rows('project.urls.issuer'))}"
        f"\n## The API\n\n`/api/` is the example API; your own project has its own paths there.\n\n"
        f"{table(head, rows('project.urls.api'))}"
    )
