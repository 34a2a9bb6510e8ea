"""The page whose form carries an authorization response to the client (OAuth 2.0 Form Post Response Mode).

- A script submits the form. Without JavaScript, the user presses the button of the form.
- The content security policy permits this one script by its hash, and no other script.
- The page contains the code. Like every page of the issuer, it must not be cached or framed.
"""

import base64
import hashlib

from django.http import HttpResponse
from django.template.loader import render_to_string

from tokens.authorize.response import AuthorizationResponse
from tokens.views.pages import HEADERS, POLICY, POLICY_HEADER

SCRIPT = "document.forms[0].submit()"
SCRIPT_HASH = base64.b64encode(hashlib.sha256(SCRIPT.encode()).digest()).decode()
FORM_HEADERS = HEADERS | {POLICY_HEADER: f"{POLICY}; script-src 'sha256-{SCRIPT_HASH}'"}


def page(response: AuthorizationResponse) -> HttpResponse:
    """Return 200 with a form whose target is the redirect URI. Hidden fields have the parameters of the response."""
    context = {"address": response.address, "parameters": response.parameters, "script": SCRIPT}
    return HttpResponse(render_to_string("tokens/form_post.html", context), headers=FORM_HEADERS)
