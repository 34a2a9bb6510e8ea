"""Serve the admin on the host ADMIN_HOST only. On every other host, the URLs of the admin answer 404."""

from collections.abc import Callable

from django.http import Http404, HttpRequest, HttpResponseBase
from django.http.request import split_domain_port

from project import conf
from project.admin_pages import ADMIN

Answer = Callable[[HttpRequest], HttpResponseBase]


def admin_host(answer: Answer) -> Answer:
    """Return a middleware that answers 404 for pages of the admin on a host other than ADMIN_HOST.

    The middleware changes nothing if ADMIN_HOST is empty. Place it before CommonMiddleware, which would redirect
    `/admin` to `/admin/` and so reveal that there is an admin.
    """

    def on_admin_host(request: HttpRequest) -> HttpResponseBase:
        if f"{request.path_info}/".startswith(ADMIN) and not _is_on_admin_host(request):
            raise Http404
        return answer(request)

    return on_admin_host


def _is_on_admin_host(request: HttpRequest) -> bool:
    """Return True if the request is for ADMIN_HOST, on any port, or if ADMIN_HOST is not set."""
    return conf.admin_host() in {"", split_domain_port(request.get_host())[0]}
