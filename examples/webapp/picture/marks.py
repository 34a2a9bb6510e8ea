"""Marks texts of pure modules, so that they get into the gettext catalogue.

Templates translate the texts when they are shown. Pure.
"""


def gettext_noop(text: str) -> str:
    """Return the text unchanged. A call of this function marks the text for the catalogue."""
    return text
