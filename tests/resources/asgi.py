"""The API as an ASGI application, as a project with an event loop runs it. Keyturn's own processes are WSGI."""

from django.core.asgi import get_asgi_application

application = get_asgi_application()
