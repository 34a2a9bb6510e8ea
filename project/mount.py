"""An issuer whose URL has a path (https://example.com/auth) is served under it, whatever the proxy in front does.

Some proxies take the path off before they pass a request on, some leave it; links and redirects name it either way.
"""

from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest, HttpResponseBase

Answer = Callable[[HttpRequest], HttpResponseBase]


def mount(answer: Answer) -> Answer:
    """Middleware that takes FORCE_SCRIPT_NAME off the path of a request where it is still on."""

    def at_root(request: HttpRequest) -> HttpResponseBase:
        path = settings.FORCE_SCRIPT_NAME or ""
        if path and f"{request.path_info}/".startswith(f"{path}/"):
            request.path_info = request.path_info.removeprefix(path) or "/"
            request.path = path + request.path_info
        return answer(request)

    return at_root
