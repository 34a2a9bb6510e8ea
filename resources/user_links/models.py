"""The table that maps a subject of an issuer to a local user."""

from django.conf import settings
from django.db import models


class UserLink(models.Model):
    """A link from a subject of an issuer to a local user. A user can have several links."""

    iss = models.CharField("issuer", max_length=500, editable=False)
    sub = models.CharField("subject", max_length=255, editable=False)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["iss", "sub"], name="one_user_per_subject")]

    def __str__(self) -> str:
        return f"{self.sub} of {self.iss}"
