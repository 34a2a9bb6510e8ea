"""The ASGI application of the process that DJANGO_SETTINGS_MODULE names (default: the issuer)."""

import os

from django.core.asgi import get_asgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "project.settings.issuer")

application = get_asgi_application()
