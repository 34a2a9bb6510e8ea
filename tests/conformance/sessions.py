"""Makes login sessions in the issuer's database older, so that no test has to wait."""

from project.launch import processes

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
for row in Session.objects.all():
    session = SessionStore(session_key=row.session_key)
    if "authorization_answered_at" in session:
        session["authorization_answered_at"] -= {seconds}
        session.save()
"""


def age_answers(variables: dict[str, str], seconds: int) -> None:
    """Move the time at which each session answered an authorization request `seconds` into the past."""
    processes.command(variables, "shell", "--no-imports", "-c", ANSWERS.format(seconds=seconds))


def age(variables: dict[str, str], seconds: int) -> None:
    """Move the time of the login in every session `seconds` into the past, in the issuer's database."""
    processes.command(variables, "shell", "--no-imports", "-c", PROGRAM.format(seconds=seconds))
