"""Used client assertions, so that no process accepts an assertion twice (RFC 7523 section 3)."""

from django.db import models


class UsedAssertion(models.Model):
    """An assertion that was used: the SHA-256 over the client's client_id and the assertion's `jti`.

    The row stays until the assertion has expired by the clock of every node.
    """

    # Unique: the second INSERT of the same assertion fails, also if two processes receive it at once.
    digest = models.BinaryField(max_length=32, unique=True, editable=False)
    expires_at = models.DateTimeField(db_index=True)

    def __str__(self) -> str:
        return bytes(self.digest).hex()[:12]
