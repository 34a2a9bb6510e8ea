"""The Django app of the issuer."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy


class TokensConfig(AppConfig):
    """The issuer's app."""

    name = "tokens"
    verbose_name = gettext_lazy("Keyturn issuer")

    def ready(self) -> None:
        """Register the system checks, and the signal handlers that revoke tokens and record logins."""
        from tokens.checks import cache, claims, client, durability, key, oauth  # noqa: F401, PLC0415 (needs the models)
        from tokens.revoking import signals  # noqa: F401, PLC0415
        from tokens.views import login_events, session_record  # noqa: F401, PLC0415
