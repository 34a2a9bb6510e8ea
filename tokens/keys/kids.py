"""Find a key by the beginning of its kid."""

from tokens.keys.errors import UnknownKey
from tokens.models.key import SigningKey

SHORTEST = 6
"""The least number of characters of a kid's beginning. A shorter text is more likely a typing error."""
ELLIPSIS = "…"


def find(text: str) -> SigningKey:
    """Return the key whose kid is `text`, or the only key whose kid begins with `text`. Ignores an ellipsis at the end.

    Raises UnknownKey if there is no such key, if several kids begin with `text`, or if `text` is shorter than SHORTEST.
    """
    beginning = text.removesuffix(ELLIPSIS)
    # Compared here, because SQLite's LIKE ignores case.
    matches = [key for key in SigningKey.objects.select_related("ring") if key.kid.startswith(beginning)]
    exact = [key for key in matches if key.kid == text]
    if not matches:
        raise UnknownKey(f"there is no key {text}; manage.py keys lists them")
    if exact:
        return exact[0]
    if len(beginning) < SHORTEST:
        raise UnknownKey(f"{text} is too short to name a key: write {SHORTEST} characters of its kid or more")
    if len(matches) > 1:
        names = ", ".join(key.kid for key in matches)
        raise UnknownKey(f"{text} is the beginning of {len(matches)} kids: write more characters of one of {names}")
    return matches[0]
