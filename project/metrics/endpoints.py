"""The endpoint of a request as a label, which is a name in the URL map, never a path."""

from django.http import HttpRequest

from project.metrics.labels import OTHER, Names

GROUPS = {"admin": "admin", "accounts": "account", "mfa": "account", "brand": "static"}
"""The label of pages that are measured together, by the first word of their route."""
MOST = 60
names = Names(MOST)
"""The endpoints that became labels. They live as long as the process."""


def endpoint(request: HttpRequest) -> str:
    """Return the label for a request: the name of its URL, or the label of its group of pages in GROUPS.

    If no URL matched, returns "static" for a path below /static/, else "other". Returns "other", too, for a new name if
    MOST names are already labels.
    """
    match = request.resolver_match
    if match is None:
        return "static" if request.path_info.startswith("/static/") else OTHER
    first = match.route.lstrip("^").partition("/")[0]
    return GROUPS.get(first) or names.label(match.url_name or match.route or "home")
