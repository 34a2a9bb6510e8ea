"""Back-channel logout: the clients of each login session, the sessions that ended, and the messages to clients."""

import uuid

from django.db import models

from tokens.models.client import Client
from tokens.models.user import User


class SessionClient(models.Model):
    """A client that got an ID token in a login session, and gets a logout token when the session ends.

    See Back-Channel Logout 1.0 section 2.3.
    """

    sid = models.CharField(max_length=43, help_text="The session, as in the claim sid of ID tokens.")
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="session_clients")
    client = models.ForeignKey(Client, on_delete=models.CASCADE, related_name="session_clients")
    last_at = models.DateTimeField(db_index=True, help_text="When the client last got a code in the session.")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["sid", "client"], name="clients_of_a_session")]

    def __str__(self) -> str:
        return f"a session of {self.user_id} at {self.client_id}"


class EndedSession(models.Model):
    """A login session that ended. Authorization requests that began in this session get no code any more."""

    sid = models.CharField(primary_key=True, max_length=43)
    at = models.DateTimeField(db_index=True)

    def __str__(self) -> str:
        return f"ended at {self.at}"


class LogoutMessage(models.Model):
    """A message in the outbox. It notifies one client that a login session ended."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    client = models.ForeignKey(Client, on_delete=models.CASCADE, related_name="logout_messages")
    # Not foreign keys: the user can be deleted, and the session has ended.
    sub = models.CharField("subject", max_length=36)
    sid = models.CharField("session", max_length=43)
    created_at = models.DateTimeField()
    attempts = models.PositiveIntegerField(default=0)
    due_at = models.DateTimeField(
        "next attempt",
        null=True,
        blank=True,
        help_text="When it is sent next. While it is being sent: when another process may take it over.",
    )
    give_up_at = models.DateTimeField(help_text="An attempt that fails after this instant is the last.")
    delivered_at = models.DateTimeField(null=True, blank=True, db_index=True)
    dead_at = models.DateTimeField(
        "given up", null=True, blank=True, db_index=True, help_text="When the last attempt failed."
    )
    failure = models.CharField("last failure", max_length=255, blank=True)

    class Meta:
        indexes = [
            models.Index("due_at", condition=models.Q(due_at__isnull=False), name="logout_messages_to_send"),
        ]

    def __str__(self) -> str:
        return str(self.id)
