"""The scopes of APIs, and the exchange policies, which list scopes."""

from typing import Any

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import models
from django.utils.translation import gettext

from tokens.models.api import Api, group_names, scope_token


class Scope(models.Model):
    """A permission at one API. Its name is unique among all APIs, so the scopes of a request identify the API."""

    name = models.CharField(max_length=100, unique=True, validators=[scope_token])
    description = models.CharField(max_length=200, help_text="Shown to users on the consent page.")
    api = models.ForeignKey(Api, on_delete=models.PROTECT, related_name="scopes", verbose_name="API")
    # Names of groups, so that a token request needs no further statement. None: every user may get the scope.
    groups = models.JSONField(
        "only for groups",
        null=True,
        blank=True,
        validators=[group_names],
        help_text="Only users in one of these groups get the scope. A user who left them loses it at the next refresh."
        " Names: a group that was renamed no longer counts. A client that acts for itself is not limited.",
    )

    RESERVED = frozenset({"openid", "profile", "email", "address", "phone", "groups", "offline_access"})

    class Meta:
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name

    def clean(self) -> None:
        """Raise ValidationError if the name is reserved for OpenID Connect."""
        super().clean()
        if self.name in self.RESERVED:
            message = gettext("%(name)s belongs to OpenID Connect. Choose another name.") % {"name": self.name}
            raise ValidationError({"name": message})


class ExchangePolicy(models.Model):
    """The permission of a client to exchange users' access tokens for tokens whose audience is one API (RFC 8693).

    A token from such an exchange has at most the scopes of the policy.
    """

    client = models.ForeignKey(
        settings.OAUTH2_PROVIDER_APPLICATION_MODEL, on_delete=models.CASCADE, related_name="exchange_policies"
    )
    api = models.ForeignKey(Api, on_delete=models.CASCADE, related_name="exchange_policies", verbose_name="API")
    scopes: "models.ManyToManyField[Scope, Any]" = models.ManyToManyField(Scope, related_name="exchange_policies")

    class Meta:
        verbose_name_plural = "exchange policies"
        constraints = [
            models.UniqueConstraint(fields=["client", "api"], name="one_exchange_policy_per_client_and_api"),
        ]

    def __str__(self) -> str:
        return f"{self.client} → {self.api}"
