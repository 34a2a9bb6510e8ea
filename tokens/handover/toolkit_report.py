"""The options and the result of an import from django-oauth-toolkit."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from tokens.handover.toolkit_rows import UserTable


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolkitImport:
    """The options of an import from django-oauth-toolkit."""

    apis: tuple[str, ...] = ()
    """Identifiers of the APIs whose scopes the clients may request."""
    users: UserTable = field(default_factory=UserTable)
    source: str = "auth.user"
    """The value of `import_users --source`, with which the users were imported."""
    expire_after: timedelta | None = None
    """REFRESH_TOKEN_EXPIRE_SECONDS of the other project; None if its refresh tokens do not expire."""
    dry_run: bool = False
    actor: str
    now: datetime


@dataclass(slots=True, kw_only=True)
class ToolkitReport:
    """The result of an import. After a dry run, the result that the import would have."""

    clients: list[str] = field(default_factory=list)
    """The client_ids of new clients."""
    unchanged_clients: list[str] = field(default_factory=list)
    """The client_ids of clients that existed before."""
    refused_clients: list[dict[str, str]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    """Differences between an application and the client made from it, and secrets that are missing."""
    tokens: int = 0
    """The number of new refresh tokens."""
    unchanged_tokens: int = 0
    refused_tokens: dict[str, int] = field(default_factory=dict)
    """The number of refresh tokens that were not imported, by reason."""
    missing_users: list[str] = field(default_factory=list)
    """The usernames that have live refresh tokens in the other project, but do not exist here."""

    def refuse(self, reason: str) -> None:
        """Count a refresh token that is not imported, by the reason."""
        self.refused_tokens[reason] = self.refused_tokens.get(reason, 0) + 1
