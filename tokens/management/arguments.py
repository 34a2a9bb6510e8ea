"""Common parts of the commands: argument types, look-ups, confirmation, and the settings for a command on keys."""

import re
import sys
from argparse import ArgumentTypeError
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID

from django.core.exceptions import ValidationError
from django.core.management.base import CommandError
from django.db.models import Q

from tokens import conf
from tokens.keys.operation import Operation
from tokens.management.exit_codes import USAGE
from tokens.models import Api, Client, User

DURATION = re.compile(r"([1-9][0-9]{0,5})([smhd]?)", re.ASCII)
EMPTY = "is empty: give it a value, or leave it out. A variable of the shell can be unset"
"""The refusal of an empty argument or option, after its name."""
UNITS = {"": "seconds", "s": "seconds", "m": "minutes", "h": "hours", "d": "days"}


def operation(actor: str, *, now: datetime) -> Operation:
    """Return an Operation: the settings, the actor and the time for a change of signing keys.

    Raises MalformedEncryptionKey if an entry of KEY_ENCRYPTION_KEYS is malformed.
    """
    settings = conf.issuer()
    return Operation(policy=settings.key_policy, encryption_keys=settings.encryption_keys(), actor=actor, now=now)


def find_client(client_id: str) -> Client:
    """Return the client with this client_id. Raises CommandError if there is none."""
    client = Client.objects.filter(client_id=client_id).first()
    if client is None:
        remedy = "The admin shows the client_id of each client; create_client registers a client"
        raise CommandError(f"there is no client {client_id}. {remedy}", returncode=USAGE)
    return client


def find_api(identifier: str) -> Api:
    """Return the API with this identifier. `https://api.example` also finds `https://api.example/`, and vice versa.

    Raises CommandError if there is no such API.
    """
    api = Api.named(identifier)
    if api is None:
        raise CommandError(f"there is no API {identifier}. To register it, run create_api", returncode=USAGE)
    return api


def find_user(name: str) -> User:
    """Return the user with this username, or else with this sub or e-mail address.

    Raises CommandError if there is no such user, or if several users have the e-mail address.
    """
    # A username first: a user can have another user's e-mail address as username.
    users = list(User.objects.filter(username=name)[:1])
    if not users and name.strip():  # an empty name would find the users without an e-mail address
        by = Q(email__iexact=name) if (sub := _uuid(name)) is None else Q(sub=sub)
        users = list(User.objects.filter(by)[:2])
    if not users:
        remedy = "Use the username, e-mail address or sub that the admin shows"
        raise CommandError(f"there is no user {name}. {remedy}", returncode=USAGE)
    if len(users) > 1:
        raise CommandError(f"several users have the e-mail address {name}: use the sub", returncode=USAGE)
    return users[0]


def _uuid(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None


def confirm(question: str) -> bool:
    """Ask the operator. Return True if the answer is `yes`.

    Raises CommandError if standard input is not a terminal.
    """
    # A pipe must not confirm by accident.
    if not sys.stdin.isatty():
        message = "standard input is not a terminal: add --yes to continue without confirmation; nothing was changed"
        raise CommandError(message, returncode=USAGE)
    try:
        return input(question) == "yes"
    except EOFError:
        return False


def file_path(text: str) -> Path:
    """Parse the name of a file or folder. Raises ArgumentTypeError if it is empty or has only spaces."""
    if not text.strip():  # Path("") is the current folder
        raise ArgumentTypeError(EMPTY)
    return Path(text)


def instant(text: str) -> datetime:
    """Parse an ISO 8601 date and time, in UTC if it has no offset. Raises ArgumentTypeError if it is malformed."""
    try:
        value = datetime.fromisoformat(text)
    except ValueError:
        raise ArgumentTypeError(f"{text!r} is not a time such as 2027-01-31T12:00Z") from None
    return value if value.tzinfo else value.replace(tzinfo=UTC)


def seconds(text: str) -> timedelta:
    """Parse a number of seconds. Raises ArgumentTypeError unless it is from 1 to 999999999."""
    if not text.isdecimal() or not 0 < int(text) < 10**9:
        raise ArgumentTypeError(f"{text!r} is not a number of seconds")
    return timedelta(seconds=int(text))


def duration(text: str) -> timedelta:
    """Parse a duration such as 90s, 10m, 12h or 2d. A number without a unit is in seconds.

    Raises ArgumentTypeError if the duration is malformed.
    """
    match = DURATION.fullmatch(text)
    if match is None:
        raise ArgumentTypeError(f"{text!r} is not a duration such as 90s, 10m, 12h or 2d")
    return timedelta(**{UNITS[match[2]]: int(match[1])})


def one_line(error: ValidationError) -> str:
    """Return the messages of a ValidationError on one line. The name of a field precedes its messages."""
    return " ".join(f"{field}: {' '.join(problems)}" for field, problems in error.message_dict.items())
