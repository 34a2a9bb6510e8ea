"""The response modes, by which the client gets the answer to an authorization request: in a URL, or in a form.

- query: a redirect, with the answer in the query of the redirect URI. The default of `response_type=code`.
- form_post: a page whose form the browser sends to the redirect URI (OAuth 2.0 Form Post Response Mode). The answer is
  in no URL, so no proxy logs it. The redirect URI must be http or https: no form goes to a private-use scheme.
- fragment and all other values are refused. A code in a fragment is visible to scripts of the client's page.
"""

from collections.abc import Sequence

from tokens.errors import OAuthError

QUERY, FORM_POST = "query", "form_post"
MODES = (QUERY, FORM_POST)


def of_request(value: str | None, redirect_uri: str) -> str:
    """Return the response mode of a request. `value` is its `response_mode`, or None for the default.

    Raises OAuthError invalid_request if the mode is unknown, or is form_post for a private-use redirect URI.
    """
    mode = value or QUERY
    if mode not in MODES:
        raise OAuthError("invalid_request", "The response_mode is not supported; use query or form_post.")
    if mode == FORM_POST and not _takes_form(redirect_uri):
        raise OAuthError(
            "invalid_request", "The response_mode form_post needs an http or https redirect URI; use query."
        )
    return mode


def of_refusal(values: Sequence[str], redirect_uri: str) -> str:
    """Return the response mode for an error response: form_post or query.

    The result is form_post if `values` is ["form_post"] and the redirect URI is http or https. `values` has the values
    of the parameter `response_mode` in the invalid request.
    """
    chosen = list(values) == [FORM_POST] and _takes_form(redirect_uri)
    return FORM_POST if chosen else QUERY


def _takes_form(redirect_uri: str) -> bool:
    """Return True if a browser can send a form to the redirect URI, which must be http or https."""
    return redirect_uri.startswith(("https://", "http://"))
