"""The Django app of the resource server."""

from django.apps import AppConfig


class ResourcesConfig(AppConfig):
    """Registers system checks and the OpenAPI extension at start."""

    name = __name__.rpartition(".")[0]
    verbose_name = "Keyturn resource server"

    def ready(self) -> None:
        """Register the system checks, and the OpenAPI extension if drf-spectacular is installed."""
        from . import checks  # noqa: F401, PLC0415 (registers itself; apps must be ready first)

        try:
            from . import schema  # noqa: F401, PLC0415
        except ImportError:  # drf-spectacular is optional
            return
