"""The table of notes, each owned by a subject of an issuer."""

from typing import Self

from django.db import models

from ..principal import AccessToken


class NoteQuerySet(models.QuerySet["Note"]):
    """Queries for notes."""

    def owned_by(self, token: AccessToken) -> Self:
        """Return only the notes that the token's subject owns."""
        # By issuer and subject, because another issuer can use the same `sub` for another user.
        return self.filter(iss=token.claims["iss"], sub=token.claims["sub"])


class Note(models.Model):
    """A text that belongs to one subject of one issuer."""

    iss = models.CharField("issuer", max_length=255, editable=False)
    sub = models.CharField("subject", max_length=255, editable=False)
    title = models.CharField(max_length=200)
    body = models.TextField(blank=True, max_length=20_000)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    objects = NoteQuerySet.as_manager()

    class Meta:
        ordering = ["-created_at", "-id"]
        indexes = [models.Index(fields=["iss", "sub", "-created_at", "-id"], name="notes_of_a_subject")]

    def __str__(self) -> str:
        return self.title
