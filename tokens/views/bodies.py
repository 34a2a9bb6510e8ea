"""Refuse a request body by its headers, before a view or a middleware reads the body.

- An endpoint takes one form by POST: `application/x-www-form-urlencoded`, UTF-8, with a Content-Length, at most
  `FORM_BYTES`. The refusal is JSON.
- A page takes a form with the same properties. A page of the admin also takes uploads, up to
  DATA_UPLOAD_MAX_MEMORY_SIZE. The refusal is a page.
- The accepted form of an endpoint is parsed once (`parameters.sent`), so that later code need not handle the errors of
  parsers.

Without these checks, Django would read a whole upload at the first use of `request.POST`, in the charset that the
sender names. If Django could not read the upload, it would answer with its own page.
"""

from collections.abc import Callable
from functools import wraps
from typing import Any
from urllib.parse import parse_qsl, unquote_to_bytes

from django.core.exceptions import BadRequest, RequestDataTooBig, SuspiciousOperation, TooManyFieldsSent
from django.http import HttpRequest, HttpResponse, HttpResponseBase, UnreadablePostError
from django.http.multipartparser import MultiPartParserError

from tokens import conf
from tokens.errors import MethodNotAllowed, OAuthError
from tokens.parameters import FORM, Pairs
from tokens.views import failures
from tokens.views.pages import View
from tokens.views.refusals import refuse_unread

UPLOAD = "multipart/form-data"
PACKAGES = frozenset({"tokens", "django", "allauth"})
"""The packages whose views are pages of the issuer."""
TOO_LARGE = "The request is too large."
UNREADABLE = "The parameters cannot be read."
LENGTH = "Send the length of the body as Content-Length."
FORM_BYTES = 16 * 1024
"""The most bytes of a form, several times what any form needs. The admin's forms contain keys and may be larger."""


class UnreadableBody(Exception):
    """The body is refused with the HTTP status `status`. The message gives the reason."""

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(reason)
        self.status = status


def form_only(action: str) -> Callable[[View], View]:
    """Return a decorator that calls the view only for a POST with a readable form (RFC 6749 section 3.2, appendix B).

    Any other request gets an error in JSON. `action` is the name of the audit event of a refusal.
    """
    return _judged(_judge_endpoint, OAuthError, action)


def form_or_none(kind: type[OAuthError], action: str) -> Callable[[View], View]:
    """Return a decorator that calls the view only for a GET or a POST.

    The body of a POST must be empty or a readable form. Any other request gets an error in JSON. `kind` is the subclass
    of OAuthError for an unreadable body, and `action` the name of the audit event of a refusal.
    """
    return _judged(_judge_resource, kind, action)


def _judged(judge: Callable[[HttpRequest], None], kind: type[OAuthError], action: str) -> Callable[[View], View]:
    """Return a decorator that calls `judge` before the view, and answers in JSON if `judge` refuses the request.

    `judge` refuses a request by MethodNotAllowed or UnreadableBody. For UnreadableBody, the answer is that of an
    exception of the class `kind` with the code invalid_request. `action` is the name of the audit event of a refusal.
    """

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

        answer.judges_its_body = True  # type: ignore[attr-defined] # read by `_is_page`
        return answer

    return decorate


class ReadableForms:
    """Middleware that answers a request to a page with an error page if its form or its query cannot be read."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """Call the next middleware. `process_view` checks the request as soon as its view is known."""
        return self.get_response(request)

    def process_view(self, request: HttpRequest, view: View, *_: Any) -> HttpResponse | None:
        """Return the error page if the form or the query cannot be read, else None."""
        # This runs before the CSRF middleware, whose `process_view` reads the form.
        if not _is_page(view):
            return None
        try:
            _read_address(request)  # otherwise Django raises at the first use, and logs a traceback with its 413
            if request.method == "POST" and _has_body(request):
                _judge_page(request, uploads=_is_admin(request))
        except UnreadableBody as error:
            return failures.page(request, error.status, str(error))
        return None


def _judge_endpoint(request: HttpRequest) -> None:
    """Parse the form of a POST request into `request.form_pairs`.

    Raises MethodNotAllowed for another method, and UnreadableBody unless the body is a readable form.
    """
    if request.method != "POST":
        raise MethodNotAllowed("POST")
    _judge_form(request)
    request.form_pairs = _parsed(request)  # type: ignore[attr-defined]


def _judge_resource(request: HttpRequest) -> None:
    """Check the method and the body of a request to a protected resource.

    The method must be GET or POST. The body of a POST must be empty or a form. Raises MethodNotAllowed for another
    method, and UnreadableBody if the query or the body cannot be read.
    """
    if request.method not in {"GET", "POST"}:
        raise MethodNotAllowed("GET", "POST")
    _read_address(request)
    if request.method == "POST" and _has_body(request):
        _judge_form(request)
        _read(request)


def _judge_form(request: HttpRequest) -> None:
    """Raise UnreadableBody unless the headers announce a form that an endpoint accepts."""
    if request.content_type != FORM:
        raise UnreadableBody(415, f"Send the parameters as {FORM}.")
    _judge_charset(request)
    if not request.META.get("CONTENT_LENGTH"):
        raise UnreadableBody(411, LENGTH)
    _judge_length(request, FORM_BYTES)


def _is_page(view: View) -> bool:
    """Return True if the view is a page of the issuer: its package is in PACKAGES, and it is not an endpoint."""
    return view.__module__.partition(".")[0] in PACKAGES and not getattr(view, "judges_its_body", False)


def _is_admin(request: HttpRequest) -> bool:
    """Return True if the request is for a page of Django's admin, whose forms can be uploads."""
    return request.resolver_match is not None and "admin" in request.resolver_match.app_names


def _judge_page(request: HttpRequest, *, uploads: bool) -> None:
    """Raise UnreadableBody unless the headers announce a form that a page accepts.

    If `uploads` is True, a multipart form is accepted, too.
    """
    if request.content_type not in ({FORM, UPLOAD} if uploads else {FORM}):
        raise UnreadableBody(415, "This page accepts forms only.")
    _judge_charset(request)
    if request.content_type == UPLOAD and not (request.content_params or {}).get("boundary"):
        raise UnreadableBody(400, "The form has no boundary.")
    if "Transfer-Encoding" in request.headers and not request.META.get("CONTENT_LENGTH"):
        raise UnreadableBody(411, LENGTH)
    _judge_length(request, conf.pages().upload_bytes if uploads else FORM_BYTES)


def _judge_charset(request: HttpRequest) -> None:
    """Raise UnreadableBody if the body has a charset other than UTF-8."""
    if (request.content_params or {}).get("charset", "utf-8").lower() != "utf-8":
        raise UnreadableBody(415, "Send the parameters in UTF-8.")


def _judge_length(request: HttpRequest, bound: int) -> None:
    """Raise UnreadableBody if the Content-Length is malformed, or more than `bound` bytes."""
    length = request.META.get("CONTENT_LENGTH") or "0"
    if not (length.isascii() and length.isdigit()):
        raise UnreadableBody(400, "The Content-Length is not a number.")
    if len(length) > 18 or int(length) > bound:  # Python refuses to convert very long numbers
        raise UnreadableBody(413, TOO_LARGE)


def _has_body(request: HttpRequest) -> bool:
    """Return True if the headers announce a body."""
    return request.META.get("CONTENT_LENGTH") not in {None, "", "0"} or "Transfer-Encoding" in request.headers


def _read_address(request: HttpRequest) -> None:
    """Parse the query of the request's URL. Raises UnreadableBody if it has too many parameters."""
    try:
        request.GET  # noqa: B018 (parses and keeps it)
    except TooManyFieldsSent:
        raise UnreadableBody(400, "The address has too many parameters.") from None


def _parsed(request: HttpRequest) -> Pairs:
    """Return the names and values of the form. Raises UnreadableBody if the form is too large or malformed."""
    # Not `request.POST`: its QueryDict would take a tenth of the Python calls of a token request.
    try:
        form, most = request.body.decode(), conf.pages().most_fields
    except RequestDataTooBig:
        raise UnreadableBody(413, TOO_LARGE) from None
    except (UnreadablePostError, UnicodeDecodeError) as error:
        raise UnreadableBody(400, UNREADABLE) from error
    if most is not None and form.count("&") >= most:  # None turns the bound off
        raise UnreadableBody(413, TOO_LARGE)
    try:
        return parse_qsl(form, keep_blank_values=True, errors="strict")
    except UnicodeDecodeError as error:
        raise UnreadableBody(400, UNREADABLE) from error


def _read(request: HttpRequest) -> None:
    """Parse the form into `request.POST`. Raises UnreadableBody if the form is too large or malformed."""
    try:
        unquote_to_bytes(request.body.replace(b"+", b" ")).decode()  # Django would replace invalid UTF-8 by U+FFFD
        request.POST  # noqa: B018 (parses and keeps it)
    except (RequestDataTooBig, TooManyFieldsSent):
        raise UnreadableBody(413, TOO_LARGE) from None
    except (BadRequest, SuspiciousOperation, MultiPartParserError, UnreadablePostError, UnicodeDecodeError) as error:
        raise UnreadableBody(400, UNREADABLE) from error
