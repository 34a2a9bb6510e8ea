"""The WSGI application; DJANGO_SETTINGS_MODULE says which process this is (the issuer, unless it is set)."""

import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "project.settings.issuer")

application = get_wsgi_application()
