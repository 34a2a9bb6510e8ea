"""Settings for development only: issuer and API in one process, two SQLite databases and generated secrets in var/."""

from project.launch.environment import use_development_environment

use_development_environment()

from project.settings import api  # noqa: E402 (the environment must be set first)
from project.settings.issuer import *  # noqa: E402

INSTALLED_APPS = ["project", *INSTALLED_APPS, *(app for app in api.INSTALLED_APPS if app not in INSTALLED_APPS)]
MIDDLEWARE = ["resources.middleware.json_errors", "resources.middleware.no_store", *MIDDLEWARE]
ROOT_URLCONF = "project.urls.standalone"
DATABASES = {"default": DATABASES["default"], "api": api.DATABASES["default"]}
DATABASE_ROUTERS = ["project.databases.Router"]
REST_FRAMEWORK = api.REST_FRAMEWORK
SPECTACULAR_SETTINGS = api.SPECTACULAR_SETTINGS
RESOURCE_SERVER = api.RESOURCE_SERVER | {"PATHS": ["/api/"]}
