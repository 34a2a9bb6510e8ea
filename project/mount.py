"""Serve an issuer whose URL has a path (https://example.com/auth) under that path.

Some proxies remove this path from a request, others keep it. Both work, and links and redirects contain the path.
"""

from collections.abc import Callable

from django.http import HttpRequest, HttpResponseBase

from project import conf

Answer = Callable[[HttpRequest], HttpResponseBase]


def mount(answer: Answer) -> Answer:
    """Return a middleware that removes FORCE_SCRIPT_NAME from the path of a request if the proxy has not done so."""

    def mounted(request: HttpRequest) -> HttpResponseBase:
        path = conf.mount()
        if path and f"{request.path_info}/".startswith(f"{path}/"):
            request.path_info = request.path_info.removeprefix(path) or "/"
            request.path = path + request.path_info
        return answer(request)

    return mounted
