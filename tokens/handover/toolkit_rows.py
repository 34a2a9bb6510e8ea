"""Reads the tables of a django-oauth-toolkit project: applications, and refresh tokens with their scopes and users.

- Only columns that the table has are read, because older versions of the toolkit have fewer.
- The database of the other project is not changed. The models of the toolkit are not needed here.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from django.db.backends.base.base import BaseDatabaseWrapper
from django.utils.dateparse import parse_datetime

from tokens.handover import other_database

APPLICATION, REFRESH, ACCESS = (f"oauth2_provider_{name}" for name in ("application", "refreshtoken", "accesstoken"))
ROWS = 500


class NoToolkit(Exception):
    """A table or column of django-oauth-toolkit or of the project's users is missing. The message names it."""


@dataclass(frozen=True, slots=True)
class UserTable:
    """The table of the project's users, and its column with the username."""

    table: str = "auth_user"
    username: str = "username"


@dataclass(frozen=True, slots=True)
class ToolkitToken:
    """A refresh token of the toolkit."""

    text: str = field(repr=False)
    """The refresh token itself, or "" if the toolkit stores only its checksum."""
    checksum: str
    """The SHA-256 of the refresh token in hexadecimal, or "" in an old database."""
    application: int
    user: str
    """The primary key of the token's user in the source, as text."""
    username: str
    scope: str | None
    """The scopes of the access token that belongs to the refresh token.

    None if that access token was deleted. The toolkit then refuses the refresh token, too.
    """
    created: datetime
    revoked: bool


def applications(connection: BaseDatabaseWrapper) -> Iterator[Mapping[str, Any]]:
    """Yield each application as a mapping of its columns.

    Raises NoToolkit if the table is missing, and CannotConnect if it cannot be read.
    """
    columns = _columns(connection, APPLICATION)
    query = f"SELECT {_list(connection, columns)} FROM {APPLICATION} ORDER BY id"  # noqa: S608 (quoted names)
    yield from _read(connection, query)


def tokens(connection: BaseDatabaseWrapper, users: UserTable) -> Iterator[ToolkitToken]:
    """Yield each refresh token, including revoked tokens.

    Raises NoToolkit if a table is missing, or if the table of users has no column with the username. Raises
    CannotConnect if a table cannot be read.
    """
    columns = _columns(connection, REFRESH)
    _columns(connection, ACCESS)
    if users.username not in _columns(connection, users.table):
        raise NoToolkit(f"the table {users.table} has no column {users.username}")
    checksum = "r.token_checksum" if "token_checksum" in columns else "''"
    quote = connection.ops.quote_name
    query = f"""
SELECT r.token AS text, {checksum} AS checksum, r.application_id AS application, u.id AS user_id,
    u.{quote(users.username)} AS username,
    a.scope AS scope, r.created AS created, r.revoked AS revoked
FROM {REFRESH} r JOIN {quote(users.table)} u ON u.id = r.user_id LEFT JOIN {ACCESS} a ON a.id = r.access_token_id
ORDER BY r.id"""  # noqa: S608 (names of tables, quoted)
    for row in _read(connection, query):
        user = str(row.pop("user_id"))
        yield ToolkitToken(
            **{**row, "user": user, "created": _instant(row["created"]), "revoked": row["revoked"] is not None}
        )


def _read(connection: BaseDatabaseWrapper, query: str) -> Iterator[dict[str, Any]]:
    with other_database.translated(), connection.cursor() as cursor:
        cursor.execute(query)
        names = [column[0] for column in cursor.description]
        while rows := cursor.fetchmany(ROWS):
            yield from (dict(zip(names, row, strict=True)) for row in rows)


def _columns(connection: BaseDatabaseWrapper, table: str) -> list[str]:
    with other_database.translated(), connection.cursor() as cursor:
        if table not in connection.introspection.table_names(cursor):
            raise NoToolkit(f"the database has no table {table}")
        return [column.name for column in connection.introspection.get_table_description(cursor, table)]


def _list(connection: BaseDatabaseWrapper, columns: list[str]) -> str:
    return ", ".join(map(connection.ops.quote_name, columns))


def _instant(value: Any) -> datetime:
    """Return the date and time `value` from the database. SQLite returns it as text in UTC without an offset.

    Raises NoToolkit if the text is malformed.
    """
    instant = value if isinstance(value, datetime) else parse_datetime(str(value))
    if instant is None:
        raise NoToolkit(f"a date cannot be read: {value!r}")
    return instant if instant.tzinfo else instant.replace(tzinfo=UTC)
