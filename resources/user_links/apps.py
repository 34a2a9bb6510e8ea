"""The Django app of the table that links the subjects of issuers to local users."""

from django.apps import AppConfig


class UserLinksConfig(AppConfig):
    """The Django app with the table that links a token's issuer and subject to a local user."""

    name = __name__.rpartition(".")[0]
    label = "resources_user_links"
    verbose_name = "Users of issuers"
    default_auto_field = "django.db.models.BigAutoField"
