"""Links in mail: a signed text, valid for a day, that proves that the user can read the mail of an address.

- The purpose of a link is the salt of its signature, so a link for one page does not open another page.
- Opening a link changes nothing, because mail programs fetch links. The page asks the user to confirm.
"""

from typing import Any

from django.core import signing

LIFETIME = 24 * 3600
"""Seconds for which a link is valid."""
SIGN_UP = "tokens.mail.sign_up"
NEW_ADDRESS = "tokens.mail.new_address"


class Expired(ValueError):
    """The link is too old, or was not made by this issuer for this purpose."""


def make(purpose: str, **content: str) -> str:
    """Return `content`, signed for `purpose`, as a text to put into the URL of a link."""
    return signing.dumps(content, salt=purpose, compress=True)


def read(purpose: str, text: str) -> dict[str, Any]:
    """Return the content that `make` put into the link. Raises Expired if the link is too old or not valid."""
    try:
        content: dict[str, Any] = signing.loads(text, salt=purpose, max_age=LIFETIME)
    except (signing.BadSignature, ValueError) as error:
        raise Expired("the link is too old, or another issuer made it") from error
    return content
