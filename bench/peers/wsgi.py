"""The WSGI application of a peer: Django's own."""

from django.core.wsgi import get_wsgi_application

application = get_wsgi_application()
