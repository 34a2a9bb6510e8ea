"""Changes times in the issuer's login sessions, as if time had passed, so that no test has to wait."""

from tests import manage_process

PROGRAM = """
from django.contrib.sessions.backends.db import SessionStore
from django.contrib.sessions.models import Session
for row in Session.objects.all():
    session = SessionStore(session_key=row.session_key)
    records = session.get("account_authentication_methods", [])
    for record in records:
        record["at"] -= {seconds}
    session["account_authentication_methods"] = records
    session.save()
"""

ANSWERS = """
from django.contrib.sessions.backends.db import SessionStore
from django.contrib.sessions.models import Session
from tests import manage_process
for row in Session.objects.all():
    session = SessionStore(session_key=row.session_key)
    if "authorization_answered_at" in session:
        session["authorization_answered_at"] -= {seconds}
        session.save()
"""


def age_answers(variables: dict[str, str], seconds: int) -> None:
    """Subtract `seconds` from the time at which each session last answered an authorization request.

    `variables` are the environment variables of the issuer, whose database has the sessions.
    """
    manage_process.command(variables, "shell", "--no-imports", "-c", ANSWERS.format(seconds=seconds))


def age(variables: dict[str, str], seconds: int) -> None:
    """Subtract `seconds` from the time of the login, in every session.

    `variables` are the environment variables of the issuer, whose database has the sessions.
    """
    manage_process.command(variables, "shell", "--no-imports", "-c", PROGRAM.format(seconds=seconds))
