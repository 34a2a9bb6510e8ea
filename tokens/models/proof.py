"""Used DPoP proofs, so that no process accepts one twice (RFC 9449 section 11.1)."""

from django.db import models


class UsedProof(models.Model):
    """The SHA-256 of a key's thumbprint and the `jti` of its proof. The row stays until no node accepts the proof."""

    # Unique: the second INSERT of the same proof fails, also if two processes receive it at once.
    digest = models.BinaryField(max_length=32, unique=True, editable=False)
    expires_at = models.DateTimeField(db_index=True)

    def __str__(self) -> str:
        return bytes(self.digest).hex()[:12]
