"""Revocations: the entries of the revocation feed, and the log of their versions (docs/revocation-feed.md).

- `Revocation` has the latest state of each revocation, in one row. The issuer itself looks up tokens there.
- `WaitingEntry` is an entry that is not published yet. It is written in the transaction of its `Revocation`.
- `RevocationLog` is one row, the head of the log. A publisher locks this row and moves the waiting entries into a
  new `Publication`, which has the entries of one version.
- `Segment` contains the entries of successive publications, up to 16,384.
"""

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy


class Revocation(models.Model):
    """An entry that revokes one token, all tokens of a grant or key, or earlier tokens of a user, client or issuer.

    Earlier tokens are those that were issued before `issued_before`.
    """

    class Kind(models.TextChoices):
        """The kinds of entries, under the names that the revocation feed uses."""

        TOKEN = "jti", gettext_lazy("one token")
        GRANT = "grant", gettext_lazy("every token of one grant")
        KEY = "kid", gettext_lazy("every token of one signing key")
        USER = "sub", gettext_lazy("every earlier token of a user")
        CLIENT = "client", gettext_lazy("every earlier token of a client")
        CLIENT_USER = "client_sub", gettext_lazy("every earlier token that a client got for a user")
        ISSUER = "iss", gettext_lazy("every earlier token")

    key = models.UUIDField(primary_key=True, help_text="The first half of the SHA-256 of kind and identifier.")
    kind = models.CharField(max_length=10, choices=Kind)
    issued_before = models.BigIntegerField(
        help_text="Tokens issued before this Unix second are revoked. 0: all tokens are."
    )
    until = models.BigIntegerField(
        db_index=True, help_text="The Unix second at which the last token that this revocation covers has expired."
    )

    class Meta:
        constraints = [
            # An entry for a user, client or issuer needs an instant, so that it does not cover later tokens. An entry
            # for one token, grant or key must not have an instant, which could exclude the very token.
            models.CheckConstraint(
                condition=Q(kind__in=["jti", "grant", "kid"], issued_before=0)
                | Q(kind__in=["sub", "client", "client_sub", "iss"], issued_before__gt=0),
                name="coarse_revocations_have_an_instant",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.key}"


class WaitingEntry(models.Model):
    """An entry of the revocation feed that the next publication will contain."""

    entry = models.BinaryField(help_text="The entry as it is published: 24 bytes.")

    def __str__(self) -> str:
        return bytes(self.entry).hex()


class RevocationLog(models.Model):
    """The head of the log of revocations: one row with the latest version. Publishing a version locks this row."""

    version = models.BigIntegerField(help_text="The version of the last publication.")
    tag = models.CharField(
        max_length=11, help_text="A random tag. It differs if a restored database uses the same version again."
    )
    sealed = models.BigIntegerField(help_text="The entries up to this version are in segments.")
    unsealed = models.IntegerField(help_text="The number of entries published after that version.")

    def __str__(self) -> str:
        return f"{self.version}.{self.tag}"


class Publication(models.Model):
    """The entries that one version of the revocation log added."""

    version = models.BigIntegerField(primary_key=True)
    tag = models.CharField(max_length=11)
    at = models.DateTimeField(db_index=True)
    count = models.IntegerField()
    until = models.BigIntegerField(help_text="The Unix second at which the last entry in it expires.")
    body = models.BinaryField()

    def __str__(self) -> str:
        return f"{self.version}.{self.tag}"


class Segment(models.Model):
    """The entries of successive versions of the log, packed. They are packed once, and then served unchanged."""

    digest = models.CharField(max_length=43, primary_key=True, help_text="The SHA-256 of the body, in base64url.")
    version = models.BigIntegerField(db_index=True, help_text="The version of the last entry in the segment.")
    count = models.IntegerField()
    until = models.BigIntegerField(db_index=True, help_text="The Unix second at which the last entry in it expires.")
    body = models.BinaryField()

    def __str__(self) -> str:
        return self.digest
