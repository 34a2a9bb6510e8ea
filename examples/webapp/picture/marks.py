"""Marks texts of pure modules for the gettext catalogue. Templates translate the texts when they show them. Pure."""


def gettext_noop(text: str) -> str:
    """Return the text unchanged. The call marks the text, so that it gets into the catalogue of translations."""
    return text
