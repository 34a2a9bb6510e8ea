"""The outbox of logout messages: selects the message to send next, and records the outcome of each message.

- A message is pending while it has a `due_at`. It becomes delivered if the client accepts it. It becomes dead if an
  attempt fails after `give_up_at`, or if the client is disabled or has no back-channel logout URI any more.
- To send a message, a process claims it: `claim` sets `due_at` to 30 seconds from now (LEASE), and commits. Until
  `due_at` no other process claims the message.
- If the process that claimed a message exits, or is suspended for longer than LEASE, another process sends the message.
  So a client gets each message at least once, and can get it twice.
- An administrator can send a dead message again.
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import connection, transaction
from django.db.models import QuerySet

from tokens.audit import trail
from tokens.back_channel import retry
from tokens.back_channel.session_end import GIVE_UP_AFTER
from tokens.models import LogoutMessage

LEASE = timedelta(seconds=30)
"""The time for which a process owns a message that it has claimed. It is longer than the deadline of a delivery."""


@dataclass(frozen=True, slots=True)
class OutboxState:
    """The numbers of pending and dead messages, and the age of the oldest pending message."""

    pending: int
    oldest_seconds: float
    """The seconds since the end of the session of the oldest pending message; 0.0 if no message is pending."""
    dead: int


def claim(*, now: datetime, barred: Collection[Any] = ()) -> LogoutMessage | None:
    """Claim the message that has been due longest, and return it. Returns None if no message is due.

    Other processes do not send a claimed message. `barred` are the primary keys of clients to which nothing can be sent
    now.
    """
    due = LogoutMessage.objects.filter(due_at__lte=now).exclude(client__in=barred).order_by("due_at")
    if not due.exists():  # without a transaction, which locks the whole database in SQLite
        return None
    with transaction.atomic():
        if connection.features.has_select_for_update_skip_locked:
            due = due.select_for_update(skip_locked=True, of=("self",))
        message = due.select_related("client").first()
        if message is not None:
            message.attempts, message.due_at = message.attempts + 1, now + LEASE
            message.save(update_fields=["attempts", "due_at"])
    return message


def delivered(message: LogoutMessage, *, token_id: str, now: datetime) -> None:
    """Record that the client accepted the message. `token_id` is the `jti` of the logout token."""
    _claimed(message).update(due_at=None, delivered_at=now, failure="")
    _log("logout.delivered", message, {"jti": token_id}, now=now)


def failed(message: LogoutMessage, reason: str, *, jitter: float, now: datetime) -> bool:
    """Record that the delivery failed because of `reason`.

    If `now` is before the message's `give_up_at`, schedules the next attempt and returns False. Otherwise gives up the
    message, and returns what `give_up` returns. `jitter` is random, from 0 to 1.
    """
    if now >= message.give_up_at:
        return give_up(message, reason, now=now)
    due_at = now + retry.wait(message.attempts, jitter=jitter)
    _claimed(message).update(due_at=due_at, failure=reason[:255])
    _log("logout.failed", message, {"reason": reason}, now=now)
    return False


@transaction.atomic
def give_up(message: LogoutMessage, reason: str, *, now: datetime) -> bool:
    """Record that the message is dead: it is not sent again. `reason` says why. Return True if this was recorded.

    Changes nothing and returns False if another process has claimed the message after this process, or has recorded the
    final outcome of the message.
    """
    if not _claimed(message).update(due_at=None, dead_at=now, failure=reason[:255]):
        return False
    subject, details = f"client:{message.client.client_id}", _details(message, {"reason": reason})
    trail.record("logout.given_up", actor="issuer", subject=subject, details=details, now=now)
    return True


@transaction.atomic
def send_again(messages: Iterable[LogoutMessage], *, actor: str, now: datetime) -> int:
    """Make the dead messages among `messages` pending again, with an audit event for each. Returns how many."""
    keys = [message.pk for message in messages]
    dead = LogoutMessage.objects.select_for_update(of=("self",)).filter(pk__in=keys, dead_at__isnull=False)
    revived = list(dead.select_related("client").order_by("pk"))
    for message in revived:
        subject = f"client:{message.client.client_id}"
        trail.record("logout.sent_again", actor=actor, subject=subject, details=_details(message, {}), now=now)
    LogoutMessage.objects.filter(pk__in=[message.pk for message in revived]).update(
        dead_at=None, due_at=now, attempts=0, give_up_at=now + GIVE_UP_AFTER
    )
    return len(revived)


def state(*, now: datetime) -> OutboxState:
    """Return the numbers of pending and dead messages, and the age of the oldest pending message."""
    pending = LogoutMessage.objects.filter(due_at__isnull=False)
    oldest = pending.order_by("created_at").values_list("created_at", flat=True).first()
    return OutboxState(
        pending=pending.count(),
        oldest_seconds=(now - oldest).total_seconds() if oldest else 0.0,
        dead=LogoutMessage.objects.filter(dead_at__isnull=False).count(),
    )


def _claimed(message: LogoutMessage) -> "QuerySet[LogoutMessage]":
    """Return a query that finds the message's row as long as the claim of this process holds.

    The query finds no row if another process has claimed the message after this process, or has recorded the final
    outcome of the message.
    """
    return LogoutMessage.objects.filter(pk=message.pk, attempts=message.attempts, due_at__isnull=False)


def _log(action: str, message: LogoutMessage, details: dict[str, Any], *, now: datetime) -> None:
    subject = f"client:{message.client.client_id}"
    trail.log(action, actor="issuer", subject=subject, details=_details(message, details), now=now)


def _details(message: LogoutMessage, further: dict[str, Any]) -> dict[str, Any]:
    return {"message": str(message.pk), "attempt": message.attempts, **further}
