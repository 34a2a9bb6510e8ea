"""/oauth/token: trades a grant for tokens (RFC 6749 section 3.2)."""

from django.http import HttpRequest, HttpResponse
from django.utils import timezone

from tokens import errors
from tokens.authorize.backend import backend
from tokens.keys import keyring
from tokens.views.cors import cors
from tokens.views.endpoint import endpoint


@cors("POST")
@endpoint(rate="token", refused="token.refused")
def token(request: HttpRequest) -> HttpResponse:
    """The token response or RFC 6749's error; never cached, and never a 500 for anything that a client sends."""
    return errors.answer(backend().token(request, now=keyring.clock(now=timezone.now())))
