"""Tells pages of the admin, which make keys and delete many rows and so may take longer, from other requests. Pure."""

ADMIN = "/admin/"
ADMIN_LOGIN = "/admin/login/"
ANSWER_WITHIN = 30.0
"""Seconds until a page of the admin is answered; for other requests the setting ANSWER_WITHIN counts."""


def is_admin_page(path: str) -> bool:
    """True if `path` is a page of the admin. Its login page has the bounds of other requests."""
    return path.startswith(ADMIN) and not path.startswith(ADMIN_LOGIN)
