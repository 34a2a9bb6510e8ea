"""Which bodies are read at all: judged by the headers, before a view or a middleware reads or keeps any of it.

Django reads a form wherever it is first asked for one: the whole of an upload, in the charset that its sender names.
What it cannot read it answers with pages of its own.
"""

from collections.abc import Callable
from functools import wraps
from typing import Any
from urllib.parse import unquote_to_bytes

from django.conf import settings
from django.core.exceptions import BadRequest, RequestDataTooBig, SuspiciousOperation, TooManyFieldsSent
from django.http import HttpRequest, HttpResponse, HttpResponseBase, UnreadablePostError
from django.http.multipartparser import MultiPartParserError

from tokens.errors import MethodNotAllowed, OAuthError
from tokens.parameters import FORM
from tokens.views import failures
from tokens.views.refusals import refuse_unread

View = Callable[..., HttpResponseBase]
UPLOAD = "multipart/form-data"
PACKAGES = frozenset({"tokens", "django", "allauth"})
"""Whose views are the issuer's pages."""
TOO_LARGE = "The request is too large."
LENGTH = "Send the length of the body as Content-Length."
FORM_BYTES = 16 * 1024
"""Bytes of a form, several times what any form needs. Forms of the admin, which take keys, may have
DATA_UPLOAD_MAX_MEMORY_SIZE."""


class UnreadableBody(Exception):
    """The body is not read; `status` and the message say why."""

    def __init__(self, status: int, why: str) -> None:
        super().__init__(why)
        self.status = status


def form_only(action: str) -> Callable[[View], View]:
    """An endpoint that takes one form by POST and answers in JSON, whatever is wrong with what was sent.

    RFC 6749 section 3.2: POST, and parameters as `application/x-www-form-urlencoded` in UTF-8 (appendix B). `action`
    is what the audit log calls a refusal.
    """
    return _judged(_judge_endpoint, OAuthError, action)


def form_or_none(kind: type[OAuthError], action: str) -> Callable[[View], View]:
    """A resource that is read by GET or POST, with a form or without, and answers in JSON by an error of `kind`."""
    return _judged(_judge_resource, kind, action)


def _judged(judge: Callable[[HttpRequest], None], kind: type[OAuthError], action: str) -> Callable[[View], View]:
    def decorate(view: View) -> View:
        @wraps(view)
        def answer(request: HttpRequest, *args: object, **kwargs: object) -> HttpResponseBase:
            try:
                judge(request)
            except MethodNotAllowed as error:
                return refuse_unread(request, error, action)
            except UnreadableBody as error:
                return refuse_unread(request, kind("invalid_request", str(error), status=error.status), action)
            return view(request, *args, **kwargs)

        answer.judges_its_body = True  # type: ignore[attr-defined]
        return answer

    return decorate


class ReadableForms:
    """Middleware: a form or an address of one of our pages that cannot be read is answered by a page of ours."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """Nothing: the view has to be known first."""
        return self.get_response(request)

    def process_view(self, request: HttpRequest, view: View, *_: Any) -> HttpResponse | None:
        """Before the protection against forged requests, which reads the form."""
        if not _is_page(view):
            return None
        try:
            _read_address(request)  # or Django answers 413 wherever it reads it first, with a traceback in the log
            if request.method == "POST" and _has_body(request):
                _judge_page(request, uploads=_is_admin(request))
        except UnreadableBody as error:
            return failures.page(error.status, str(error))
        return None


def _judge_endpoint(request: HttpRequest) -> None:
    if request.method != "POST":
        raise MethodNotAllowed("POST")
    _judge_form(request)
    _read(request)


def _judge_resource(request: HttpRequest) -> None:
    if request.method not in {"GET", "POST"}:
        raise MethodNotAllowed("GET", "POST")
    _read_address(request)
    if request.method == "POST" and _has_body(request):
        _judge_form(request)
        _read(request)


def _judge_form(request: HttpRequest) -> None:
    if request.content_type != FORM:
        raise UnreadableBody(415, f"Send the parameters as {FORM}.")
    _judge_charset(request)
    if not request.META.get("CONTENT_LENGTH"):
        raise UnreadableBody(411, LENGTH)
    _judge_length(request, FORM_BYTES)


def _is_page(view: View) -> bool:
    """Whether it is a page, and no endpoint, which judges its body, nor a view of an API in the same process."""
    return view.__module__.partition(".")[0] in PACKAGES and not getattr(view, "judges_its_body", False)


def _is_admin(request: HttpRequest) -> bool:
    """Whether it is a page of Django's admin, whose forms are uploads where they need to be."""
    return request.resolver_match is not None and "admin" in request.resolver_match.app_names


def _judge_page(request: HttpRequest, *, uploads: bool) -> None:
    if request.content_type not in ({FORM, UPLOAD} if uploads else {FORM}):
        raise UnreadableBody(415, "Only a form can be sent here.")
    _judge_charset(request)
    if request.content_type == UPLOAD and not (request.content_params or {}).get("boundary"):
        raise UnreadableBody(400, "The form has no boundary.")
    if "Transfer-Encoding" in request.headers and not request.META.get("CONTENT_LENGTH"):
        raise UnreadableBody(411, LENGTH)
    _judge_length(request, (settings.DATA_UPLOAD_MAX_MEMORY_SIZE or 0) if uploads else FORM_BYTES)


def _judge_charset(request: HttpRequest) -> None:
    if (request.content_params or {}).get("charset", "utf-8").lower() != "utf-8":
        raise UnreadableBody(415, "Send the parameters in UTF-8.")


def _judge_length(request: HttpRequest, bound: int) -> None:
    length = request.META.get("CONTENT_LENGTH") or "0"
    if not (length.isascii() and length.isdigit()):
        raise UnreadableBody(400, "The Content-Length is not a number.")
    if len(length) > 18 or int(length) > bound:
        raise UnreadableBody(413, TOO_LARGE)


def _has_body(request: HttpRequest) -> bool:
    return request.META.get("CONTENT_LENGTH") not in {None, "", "0"} or "Transfer-Encoding" in request.headers


def _read_address(request: HttpRequest) -> None:
    """Read the query once, as `_read` reads a form."""
    try:
        request.GET  # noqa: B018 (reads it)
    except TooManyFieldsSent:
        raise UnreadableBody(400, "The address has too many parameters.") from None


def _read(request: HttpRequest) -> None:
    """Read the form once, so that nobody after us has to expect what Django's parsers raise."""
    try:
        unquote_to_bytes(request.body.replace(b"+", b" ")).decode()  # Django would put U+FFFD for what is no UTF-8
        request.POST  # noqa: B018 (reads it)
    except (RequestDataTooBig, TooManyFieldsSent):
        raise UnreadableBody(413, TOO_LARGE) from None
    except (BadRequest, SuspiciousOperation, MultiPartParserError, UnreadablePostError, UnicodeDecodeError) as error:
        raise UnreadableBody(400, "The parameters cannot be read.") from error
