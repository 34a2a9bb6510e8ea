"""The WSGI application of the example application."""

import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "examples.webapp.settings")

application = get_wsgi_application()
