"""Recognize pages of the admin, which have longer time limits: they generate keys and delete many rows. Pure."""

ADMIN = "/admin/"
ADMIN_LOGIN = "/admin/login/"
ANSWER_WITHIN = 30.0
"""Seconds within which a page of the admin must be answered. The setting ANSWER_WITHIN is for other requests."""


def is_admin_page(path: str) -> bool:
    """Return True if `path` is a page to which the longer time limits of the admin apply.

    These are all pages of the admin except the login page.
    """
    return path.startswith(ADMIN) and not path.startswith(ADMIN_LOGIN)
