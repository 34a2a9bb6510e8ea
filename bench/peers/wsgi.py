"""The WSGI application of the projects `empty` and `toolkit`. The server's environment names the settings."""

from django.core.wsgi import get_wsgi_application

application = get_wsgi_application()
