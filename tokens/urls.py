"""The URLs of the issuer's endpoints and pages, relative to ISSUER_URL."""

from django.urls import URLPattern, URLResolver, path, re_path

from tokens import conf
from tokens.metadata.document import locations
from tokens.views import account, brand, email_address, factors, password, sign_up
from tokens.views.applications import applications
from tokens.views.authorize import AuthorizeView
from tokens.views.device import device, verify
from tokens.views.dynamic_registration import register, registration
from tokens.views.everywhere import log_out_everywhere
from tokens.views.health import healthz, readyz
from tokens.views.introspection import introspect
from tokens.views.jwks import jwks
from tokens.views.logout import rp_initiated_logout
from tokens.views.metadata import metadata
from tokens.views.par import par
from tokens.views.revocation_feed import revocations, segment
from tokens.views.revoke import revoke
from tokens.views.sessions import sessions
from tokens.views.step_up import step_up
from tokens.views.token import token
from tokens.views.userinfo import userinfo

ENDPOINTS: list[URLPattern | URLResolver] = [
    path("oauth/token", token, name="token"),
    path("oauth/introspect", introspect, name="introspect"),
    path("oauth/authorize", AuthorizeView.as_view(), name="authorize"),
    path("oauth/par", par, name="par"),
    path("oauth/device", device, name="device"),
    path("oauth/device/verify", verify, name="device_verify"),
    path("oauth/revoke", revoke, name="revoke"),
    path("oauth/revocations", revocations, name="revocations"),
    path("oauth/revocations/<slug:ring>", revocations, name="ring_revocations"),
    path("oauth/revocations/segments/<slug:digest>", segment, name="segment"),
    path("oauth/revocations/<slug:ring>/segments/<slug:digest>", segment, name="ring_segment"),
    path("oauth/register", register, name="register"),
    path("oauth/register/<slug:client_id>", registration, name="registration"),
    path("oauth/logout", rp_initiated_logout, name="logout"),
    path("oauth/userinfo", userinfo, name="userinfo"),
    path(".well-known/jwks.json", jwks, name="jwks"),
    path(".well-known/jwks/<slug:ring>.json", jwks, name="ring_jwks"),
    *(path(location, metadata) for location in locations(conf.issuer().url)),
    path("healthz", healthz),
    path("readyz", readyz),
]
PAGES: list[URLPattern | URLResolver] = [
    path("accounts/", account.account, name="account"),
    path("accounts/login/", account.login, name="account_login"),
    path("accounts/logout/", account.logout, name="account_logout"),
    path("accounts/sessions/", sessions, name="account_sessions"),
    path("accounts/applications/", applications, name="account_applications"),
    path("accounts/everywhere/", log_out_everywhere, name="account_everywhere"),
    path("accounts/password/change/", password.change, name="account_change_password"),
    path("accounts/password/set/", password.set_first, name="account_set_password"),
    path("accounts/password/reset/", password.reset, name="account_reset_password"),
    path("accounts/password/reset/done/", password.reset_done, name="account_reset_password_done"),
    re_path(
        # `uidb36` is a primary key in base 36. No database has one of more than 12 digits.
        r"^accounts/password/reset/key/(?P<uidb36>[0-9a-z]{1,12})-(?P<key>[0-9a-z-]{1,128})/$",
        password.set_by_link,
        name="account_reset_password_from_key",
    ),
    path("accounts/password/changed/", password.changed, name="account_reset_password_from_key_done"),
    path("accounts/email/", email_address.address, name="account_email"),
    path("accounts/email/sent/", email_address.sent, name="account_email_verification_sent"),
    path("accounts/email/confirm/<str:key>/", email_address.confirm, name="account_confirm_email"),
    path("accounts/signup/", sign_up.sign_up, name="account_signup"),
    path("accounts/signup/<str:key>/", sign_up.complete, name="account_signup_complete"),
    path("accounts/step-up/", step_up, name="account_step_up"),
    path("accounts/reauthenticate/", factors.confirm_by_password, name="account_reauthenticate"),
    path("accounts/2fa/", factors.index, name="mfa_index"),
    path("accounts/2fa/authenticate/", factors.second_step, name="mfa_authenticate"),
    path("accounts/2fa/reauthenticate/", factors.confirm_by_code, name="mfa_reauthenticate"),
    path("accounts/2fa/totp/activate/", factors.new_app, name="mfa_activate_totp"),
    path("accounts/2fa/totp/deactivate/", factors.remove_app, name="mfa_deactivate_totp"),
    path("accounts/2fa/recovery-codes/", factors.view_codes, name="mfa_view_recovery_codes"),
    path("accounts/2fa/recovery-codes/generate/", factors.new_codes, name="mfa_generate_recovery_codes"),
    path("accounts/2fa/recovery-codes/download/", factors.download_codes, name="mfa_download_recovery_codes"),
    path("accounts/2fa/webauthn/", factors.passkeys, name="mfa_list_webauthn"),
    path("accounts/2fa/webauthn/add/", factors.new_passkey, name="mfa_add_webauthn"),
    path("accounts/2fa/webauthn/login/", factors.passkey_login, name="mfa_login_webauthn"),
    path("accounts/2fa/webauthn/reauthenticate/", factors.confirm_by_passkey, name="mfa_reauthenticate_webauthn"),
    path("accounts/2fa/webauthn/keys/<int:pk>/edit/", factors.edit_passkey, name="mfa_edit_webauthn"),
    path("accounts/2fa/webauthn/keys/<int:pk>/remove/", factors.remove_passkey, name="mfa_remove_webauthn"),
    path("brand/style.css", brand.stylesheet, name="brand_stylesheet"),
    path("brand/logo", brand.logo, name="brand_logo"),
]
# Django compares the path with each pattern in turn, so the endpoints that get the most requests come first.
urlpatterns = [*ENDPOINTS, *PAGES]
