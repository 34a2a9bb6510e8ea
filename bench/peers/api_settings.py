"""The settings of Keyturn's API, with the further views of `bench.peers.api`."""

from project.settings import environment
from project.settings.api import *

ISSUER_URL = environment.text("ISSUER_URL")
# simplejwt imports their models.
INSTALLED_APPS = ["django.contrib.contenttypes", "django.contrib.auth", *INSTALLED_APPS]
ROOT_URLCONF = "bench.peers.api"
SIMPLE_JWT = {
    "ALGORITHM": "RS256",
    "JWK_URL": f"{ISSUER_URL}/.well-known/jwks.json",
    "ISSUER": ISSUER_URL,
    "AUDIENCE": "https://api.example/",
    "TOKEN_TYPE_CLAIM": None,
    "USER_ID_CLAIM": "sub",
    "LEEWAY": 60,
}
