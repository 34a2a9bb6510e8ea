"""The ASGI application; DJANGO_SETTINGS_MODULE says which process this is (the issuer, unless it is set)."""

import os

from django.core.asgi import get_asgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "project.settings.issuer")

application = get_asgi_application()
