"""The endpoint of a request as a label of metrics. The label is never a path."""

from django.http import HttpRequest

from project.metrics.labels import OTHER, Names

GROUPS = {"admin": "admin", "accounts": "account", "mfa": "account", "brand": "static"}
"""The label of pages that are measured together, by the first word of their route."""
MOST = 60
names = Names(MOST)
"""The endpoints that became labels. They live as long as the process."""


def endpoint(request: HttpRequest) -> str:
    """Return the endpoint of a request, as a label for metrics.

    The label is the common label of a group of pages (GROUPS), such as "admin", or else the name of the URL. If no URL
    matched, it is "static" for a path below /static/, else "other".

    If MOST (60) names are already labels, a new name becomes "other".
    """
    match = request.resolver_match
    if match is None:
        return "static" if request.path_info.startswith("/static/") else OTHER
    first = match.route.lstrip("^").partition("/")[0]
    return GROUPS.get(first) or names.label(match.url_name or match.route or "home")
