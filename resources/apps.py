"""Django's handle on the resource server."""

from django.apps import AppConfig


class ResourcesConfig(AppConfig):
    """The resource server's app."""

    name = "resources"
    verbose_name = "Keyturn resource server"

    def ready(self) -> None:
        """Register the system checks, and the OpenAPI extension where drf-spectacular is installed."""
        from resources import checks  # noqa: F401, PLC0415 (registers itself; apps must be ready first)

        try:
            from resources import schema  # noqa: F401, PLC0415
        except ImportError:  # an API may do without OpenAPI
            return
