"""Makes login sessions in the issuer's database older, so that a test does not have to wait."""

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
    """Make the answer to every stored authorization request `seconds` older."""
    processes.command(variables, "shell", "--no-imports", "-c", ANSWERS.format(seconds=seconds))


def age(variables: dict[str, str], seconds: int) -> None:
    """Make the login in every session `seconds` older, in the issuer's database."""
    processes.command(variables, "shell", "--no-imports", "-c", PROGRAM.format(seconds=seconds))
