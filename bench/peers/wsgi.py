"""The WSGI application of the other systems that use Django: Django's own."""

from django.core.wsgi import get_wsgi_application

application = get_wsgi_application()
