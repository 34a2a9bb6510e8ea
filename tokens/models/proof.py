"""Used DPoP proofs, so that no process accepts a proof twice (RFC 9449 section 11.1)."""

from django.db import models


class UsedProof(models.Model):
    """A DPoP proof that was used: the SHA-256 over the key's thumbprint and the proof's `jti`.

    The row stays until no node accepts the proof any more.
    """

    # Unique: the second INSERT of the same proof fails, also if two processes receive it at once.
    digest = models.BinaryField(max_length=32, unique=True, editable=False)
    expires_at = models.DateTimeField(db_index=True)

    def __str__(self) -> str:
        return bytes(self.digest).hex()[:12]
