"""The Django app of the resource server."""

from django.apps import AppConfig
from django.core.exceptions import ImproperlyConfigured


class ResourcesConfig(AppConfig):
    """The Django app of the resource server. It registers system checks, the OpenAPI extension and the metrics."""

    name = __name__.rpartition(".")[0]
    verbose_name = "Keyturn resource server"

    def ready(self) -> None:
        """Register the system checks and, if drf-spectacular is installed, the OpenAPI extension.

        Exports the metrics if RESOURCE_SERVER["METRICS"] is True.
        """
        from . import checks  # noqa: F401, PLC0415 (registers itself; apps must be ready first)

        self._export_metrics()

        try:
            from . import schema  # noqa: F401, PLC0415
        except ImportError:  # drf-spectacular is optional
            return

    def _export_metrics(self) -> None:
        """Export the metrics if RESOURCE_SERVER["METRICS"] is True.

        Raises ImproperlyConfigured if prometheus_client is not installed.
        """
        from .conf import resource_server  # noqa: PLC0415
        from .telemetry import metrics  # noqa: PLC0415
        from .telemetry.counters import LABELS  # noqa: PLC0415
        from .telemetry.prometheus import attach  # noqa: PLC0415

        try:
            wanted = resource_server().metrics
        except (ImproperlyConfigured, ImportError, AttributeError, TypeError, ValueError):  # resources.E001 reports it
            return
        if wanted:
            attach()
            for labels in LABELS.values():  # `rate` and `increase` do not see the first value of a series
                metrics.add(metrics.TOKENS, *labels, amount=0)
