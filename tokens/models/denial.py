"""What the issuer took back before its time: rows that live as long as a token that they are about could."""

from django.db import models
from django.db.models import Q


class Denial(models.Model):
    """One token or grant that is denied, or everything of a user, a client or both from before an instant."""

    class Kind(models.TextChoices):
        """What is denied, by the name of its list in the revocation feed."""

        TOKEN = "jti", "one token"
        GRANT = "grant", "every token of one grant"
        SUBJECT = "sub", "every earlier token of a subject"
        CLIENT = "client", "every earlier token of a client"
        PAIR = "pair", "every earlier token of a subject that a client got"

    kind = models.CharField(max_length=6, choices=Kind)
    identifier = models.CharField(max_length=520)
    issued_before = models.DateTimeField(null=True, help_text="Subjects, clients, pairs: earlier tokens are denied.")
    holder = models.CharField(max_length=520, blank=True, default="", help_text="The pair that it is gathered into.")
    until = models.DateTimeField(db_index=True, help_text="Then no token that it is about can live any more.")

    class Meta:
        indexes = [models.Index(fields=["holder", "until"], name="denials_of_a_holder")]
        constraints = [
            models.UniqueConstraint(fields=["kind", "identifier"], name="one_denial_of_each_thing"),
            models.CheckConstraint(
                condition=Q(kind__in=["jti", "grant"], issued_before=None)
                | Q(kind__in=["sub", "client", "pair"], issued_before__isnull=False),
                name="denial_of_a_holder_is_as_of_an_instant",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.identifier}"
