"""A Django website with the settings and URLs of a documentation page: `python django_site.py PORT`.

The working folder has the page's code blocks as site_settings.py and site_urls.py. The front page shows the user as
JSON.
"""

import os
import sys
from pathlib import Path

HERE = Path.cwd()
SECRET_KEY = "of a test"
DEBUG = True
ALLOWED_HOSTS = ["localhost"]
ROOT_URLCONF = "django_site_urls"
INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
]
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
]
AUTHENTICATION_BACKENDS = ["django.contrib.auth.backends.ModelBackend"]
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ]
        },
    }
]
DATABASES = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": HERE / "site.sqlite3"}}
LOGIN_REDIRECT_URL = LOGOUT_REDIRECT_URL = "/"
SESSION_COOKIE_NAME = "site_session"  # the ports of a host share their cookies
CSRF_COOKIE_NAME = "site_csrf"
USE_TZ = True

if __name__ == "__main__":
    os.environ["DJANGO_SETTINGS_MODULE"] = "django_site"
    sys.path.insert(0, str(HERE))
    from django.core.management import execute_from_command_line

    execute_from_command_line(["manage.py", "migrate", "--verbosity", "0"])
    execute_from_command_line(["manage.py", "runserver", "--noreload", f"localhost:{sys.argv[1]}"])
else:
    exec((HERE / "site_settings.py").read_text(encoding="utf-8"))  # noqa: S102 (the page's block)
