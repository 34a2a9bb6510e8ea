"""The error for claims that cannot be computed. The issuer then issues no token."""

from traceback import extract_tb

from tokens.errors import OAuthError

LONGEST = 200
"""The number of characters of an exception's text that are logged."""


class ClaimsFailed(OAuthError):
    """The claims source or the claims hook failed, took too long, or returned claims that no token may contain.

    `reason` is for the audit log. The client learns only that the issuer is at fault.
    """

    def __init__(self, reason: str) -> None:
        description = "The issuer cannot compute the claims of this user. Its operator finds the reason in the log."
        super().__init__("server_error", description, status=500, reason=reason)


def described(error: Exception) -> str:
    """Return the type, message and source line of an exception, for the message of ClaimsFailed."""
    frames = extract_tb(error.__traceback__)
    at = f" at {frames[-1].name}, line {frames[-1].lineno}" if frames else ""
    return f"{type(error).__name__}: {str(error)[:LONGEST]}{at}"
