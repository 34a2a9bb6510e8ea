"""Links in mail: a signed text that proves that its user reads the mail of an address, for a day.

- The purpose of a link is its salt, so a link for one page opens no other.
- A link changes nothing by being opened: mail programs fetch links. Its page asks the user.
"""

from typing import Any

from django.core import signing

LIFETIME = 24 * 3600
"""Seconds for which a link opens its page."""
SIGN_UP = "tokens.mail.sign_up"
NEW_ADDRESS = "tokens.mail.new_address"


class Expired(ValueError):
    """The link is too old, or was not made by this issuer for this purpose."""


def make(purpose: str, **content: str) -> str:
    """Return the text of a link."""
    return signing.dumps(content, salt=purpose, compress=True)


def read(purpose: str, text: str) -> dict[str, Any]:
    """Return the content of a link. Raises Expired."""
    try:
        content: dict[str, Any] = signing.loads(text, salt=purpose, max_age=LIFETIME)
    except (signing.BadSignature, ValueError) as error:
        raise Expired("the link is too old, or another issuer made it") from error
    return content
