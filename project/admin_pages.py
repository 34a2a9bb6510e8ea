"""Recognize admin pages. They have longer time limits, because they generate keys and delete many rows. Pure."""

ADMIN = "/admin/"
ADMIN_LOGIN = "/admin/login/"
ANSWER_WITHIN = 30.0
"""Seconds until a page of the admin is answered. The setting ANSWER_WITHIN holds for other requests."""


def is_admin_page(path: str) -> bool:
    """Return True if `path` is a page of the admin, but not its login page, which has the bounds of other requests."""
    return path.startswith(ADMIN) and not path.startswith(ADMIN_LOGIN)
