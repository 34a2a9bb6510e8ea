"""Client assertions that were used: a row per `jti`, so that no process accepts one twice (RFC 7523 section 3)."""

from django.db import models


class UsedAssertion(models.Model):
    """The SHA-256 of a client and the `jti` it used; kept until the assertion has expired everywhere."""

    digest = models.BinaryField(max_length=32, unique=True, editable=False)
    expires_at = models.DateTimeField(db_index=True)

    def __str__(self) -> str:
        return bytes(self.digest).hex()[:12]
