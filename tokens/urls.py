"""The issuer's URLs, relative to ISSUER_URL."""

from django.urls import URLPattern, URLResolver, path

from tokens import conf
from tokens.metadata.document import locations
from tokens.views import account, brand
from tokens.views.applications import applications
from tokens.views.authorize import AuthorizeView
from tokens.views.device import device, verify
from tokens.views.dynamic_registration import register, registration
from tokens.views.everywhere import log_out_everywhere
from tokens.views.health import healthz, readyz
from tokens.views.introspection import introspect
from tokens.views.jwks import jwks
from tokens.views.logout import logout
from tokens.views.metadata import metadata
from tokens.views.revocation_feed import revocations, segment
from tokens.views.revoke import revoke
from tokens.views.sessions import sessions
from tokens.views.token import token
from tokens.views.userinfo import userinfo

urlpatterns: list[URLPattern | URLResolver] = [
    path("accounts/", account.account, name="account"),
    path("accounts/login/", account.login, name="account_login"),
    path("accounts/logout/", account.logout, name="account_logout"),
    path("accounts/sessions/", sessions, name="account_sessions"),
    path("accounts/applications/", applications, name="account_applications"),
    path("accounts/everywhere/", log_out_everywhere, name="account_everywhere"),
    path("oauth/authorize", AuthorizeView.as_view(), name="authorize"),
    path("oauth/token", token, name="token"),
    path("oauth/device", device, name="device"),
    path("oauth/device/verify", verify, name="device_verify"),
    path("oauth/revoke", revoke, name="revoke"),
    path("oauth/revocations", revocations, name="revocations"),
    path("oauth/revocations/<slug:ring>", revocations, name="ring_revocations"),
    path("oauth/revocations/segments/<slug:digest>", segment, name="segment"),
    path("oauth/revocations/<slug:ring>/segments/<slug:digest>", segment, name="ring_segment"),
    path("oauth/register", register, name="register"),
    path("oauth/register/<slug:client_id>", registration, name="registration"),
    path("oauth/introspect", introspect, name="introspect"),
    path("oauth/logout", logout, name="logout"),
    path("oauth/userinfo", userinfo, name="userinfo"),
    path(".well-known/jwks.json", jwks, name="jwks"),
    path(".well-known/jwks/<slug:ring>.json", jwks, name="ring_jwks"),
    *(path(location, metadata) for location in locations(conf.issuer().url)),
    path("brand/style.css", brand.stylesheet, name="brand_stylesheet"),
    path("brand/logo", brand.logo, name="brand_logo"),
    path("healthz", healthz),
    path("readyz", readyz),
]
