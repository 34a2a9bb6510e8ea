"""The WSGI application of the example application."""

import os

from django.core.wsgi import get_wsgi_application

from examples.webapp import settings, tracing

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "examples.webapp.settings")

application = get_wsgi_application()
if settings.OTEL_TRACES:
    tracing.export_spans(settings.OTEL_SERVICE_NAME)
