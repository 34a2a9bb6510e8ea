"""The Django app of the issuer."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy


class TokensConfig(AppConfig):
    """The issuer's app."""

    name = "tokens"
    verbose_name = gettext_lazy("Keyturn issuer")

    def ready(self) -> None:
        """Register the system checks, and the signal handlers that revoke tokens and record logins."""
        from tokens.authorize import login_events  # noqa: F401, PLC0415
        from tokens.checks import (  # noqa: PLC0415 (needs the models)
            admin,  # noqa: F401
            cache,  # noqa: F401
            claims,  # noqa: F401
            client,  # noqa: F401
            durability,  # noqa: F401
            key,  # noqa: F401
            oauth,  # noqa: F401
            place,  # noqa: F401
        )
        from tokens.revoking import signals  # noqa: F401, PLC0415
