"""Settings of the issuer, for production: users, clients, signing keys.

SECRET_KEY and KEY_ENCRYPTION_KEYS have no default.
"""

from datetime import timedelta
from urllib.parse import urlsplit

from project.settings import environment
from project.settings.base import *

# Without the admin, its app and tables remain, so that every node has the same migrations. SimpleAdminConfig loads no
# pages.
ADMIN = environment.flag("ADMIN", default=True)
ADMIN_HOST = environment.host("ADMIN_HOST")

INSTALLED_APPS = [
    "tokens",
    "django.contrib.admin" if ADMIN else "django.contrib.admin.apps.SimpleAdminConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "oauth2_provider",
]

MIDDLEWARE = [
    "project.metrics.middleware.measured",
    "project.request_id.request_ids",
    "project.telemetry.traced",
    "project.access_log.access_log",
    "project.page_language.page_language",
    "project.mount.mount",
    "project.postgresql.budget.bounded",
    "tokens.views.unavailable.audit_unavailable",
    "project.background.start_threads",
    "tokens.views.probes.probes",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "project.admin_host.admin_host",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "tokens.views.bodies.ReadableForms",
    "tokens.views.own_forms.own_forms",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "tokens.views.session_record.session_record",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "tokens.views.unavailable.DatabaseAway",
]

ROOT_URLCONF = "project.urls.issuer"
DATABASES = {"default": environment.database("DATABASE_URL")}
# tokens/limits/rate_limit.py counts guesses in a cache of their own, so that invented names cannot evict the counters.
CACHES = CACHES | {"guesses": environment.cache("LOGIN_CACHE_URL", "CACHE_URL", apart="guesses")}

AUTH_USER_MODEL = "tokens.User"
AUTHENTICATION_BACKENDS = ["tokens.login.PasswordBackend"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in ("UserAttributeSimilarityValidator", "MinimumLengthValidator", "CommonPasswordValidator")
]

# Links in mail that set a password are valid for an hour.
PASSWORD_RESET_TIMEOUT = 3600
MAIL = environment.mail("EMAIL_URL", "consolemail://" if DEBUG else "")
globals().update(MAIL)

LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "account"
ACCOUNT_ADAPTER = "tokens.views.account_adapter.AccountAdapter"
ACCOUNT_LOGIN_METHODS = {"username", "email"}
ACCOUNT_SIGNUP_FIELDS = ["username*", "email*", "password1*", "password2*"]
ACCOUNT_EMAIL_VERIFICATION = "none"  # an administrator creates users
ACCOUNT_RATE_LIMITS = False  # RATE_LIMITS replaces them: all processes share its counters, and it fails closed
ACCOUNT_REAUTHENTICATION_REQUIRED = True
ACCOUNT_LOGOUT_ON_PASSWORD_CHANGE = True
ACCOUNT_EMAIL_NOTIFICATIONS = True
MFA_RATE_LIMITS = False  # RATE_LIMITS replaces them as well
MFA_ADAPTER = "tokens.factors.adapter.FactorAdapter"
MFA_SUPPORTED_TYPES = ["totp", "recovery_codes", "webauthn"]
MFA_PASSKEY_LOGIN_ENABLED = True
# A passkey counts as two factors, so each use must verify its user (tokens/authentication_class.py).
MFA_WEBAUTHN_USER_VERIFICATION = "required"
# Users whom an administrator added, with an unverified e-mail address, can set up a second factor as well.
MFA_ALLOW_UNVERIFIED_EMAIL = True
MFA_FORMS = {
    "authenticate": "tokens.views.factor_forms.LoginCodeForm",
    "reauthenticate": "tokens.views.factor_forms.StepUpCodeForm",
    "activate_totp": "tokens.views.factor_forms.NewAppForm",
    "add_webauthn": "tokens.views.factor_forms.NewPasskeyForm",
    "authenticate_webauthn": "tokens.views.factor_forms.SecondPasskeyForm",
    "login_webauthn": "tokens.views.factor_forms.LoginPasskeyForm",
    "reauthenticate_webauthn": "tokens.views.factor_forms.StepUpPasskeyForm",
}
ACCOUNT_SESSION_REMEMBER = False
ACCOUNT_LOGOUT_REDIRECT_URL = "account"
SESSION_COOKIE_HTTPONLY = True
# Messages are stored in the session, which ends at the logout. Django's default is a cookie, which would outlive it.
MESSAGE_STORAGE = "django.contrib.messages.storage.session.SessionStorage"
CSRF_FAILURE_VIEW = "tokens.views.failures.forged"

# The ports of `localhost` share cookies, so each process has names of its own. No other host of the site can set a
# cookie with the prefix `__Host-`, which needs https (RFC 6265bis section 4.1.3.2).
SESSION_COOKIE_NAME = f"{'' if DEBUG else '__Host-'}issuer_session"
CSRF_COOKIE_NAME = f"{'' if DEBUG else '__Host-'}issuer_csrf"

OAUTH2_PROVIDER_APPLICATION_MODEL = "tokens.Client"
OAUTH2_PROVIDER_ACCESS_TOKEN_MODEL = "oauth2_provider.AccessToken"  # noqa: S105 (a model's name)
OAUTH2_PROVIDER_ID_TOKEN_MODEL = "oauth2_provider.IDToken"  # noqa: S105 (a model's name)
OAUTH2_PROVIDER_REFRESH_TOKEN_MODEL = "oauth2_provider.RefreshToken"  # noqa: S105 (a model's name)
OAUTH2_PROVIDER_GRANT_MODEL = "oauth2_provider.Grant"
OAUTH2_PROVIDER_DEVICE_GRANT_MODEL = "oauth2_provider.DeviceGrant"

ISSUER_URL = environment.issuer_url("ISSUER_URL", "http://localhost:8000" if DEBUG else None)
DEFAULT_FROM_EMAIL = environment.text("MAIL_FROM", f"noreply@{urlsplit(ISSUER_URL).hostname}")
# tokens/settings/defaults.py describes each entry; tokens/conf.py reads them.
ISSUER = {
    "URL": ISSUER_URL,
    "KEY_ENCRYPTION_KEYS": environment.secret_words("KEY_ENCRYPTION_KEYS"),
    "KEY_POLICY": environment.policy(),
    "KEY_TIMINGS": environment.timings(),
    "BEHIND_PROXY": BEHIND_PROXY,
    "OPERATOR_TOKEN": OPERATOR_TOKEN,
    "REDIRECT_ALLOW_LIST": environment.words("REDIRECT_ALLOW_LIST", ""),
    "RATE_LIMITS": environment.rates(),
    "AUDIT_JOURNAL": environment.text("AUDIT_JOURNAL", "") or None,
    "RECIPES": environment.text("RECIPES", "") or None,
    "AUDIT_RETENTION": environment.days("AUDIT_RETENTION_DAYS"),
    "NAME_FROM_USERNAME": environment.flag("NAME_FROM_USERNAME", default=True),
    "DEVELOPMENT_ONLY_REMEMBER_LOOPBACK_CONSENT": environment.flag(
        "DEVELOPMENT_ONLY_REMEMBER_LOOPBACK_CONSENT", default=False
    ),
    "CLAIMS_SOURCE": environment.pairs("CLAIMS_SOURCE"),
    "CLAIMS": environment.text("CLAIMS", ""),
    "GROUPS_CLAIM": environment.words("GROUPS_CLAIM", ""),
    "USERINFO_TOKEN_IN_BODY": environment.flag("USERINFO_TOKEN_IN_BODY", default=False),
    "REQUIRE_PUSHED_AUTHORIZATION_REQUESTS": environment.flag("REQUIRE_PUSHED_AUTHORIZATION_REQUESTS", default=False),
    "FAPI2": environment.flag("FAPI2", default=False),
    "PUSHED_REQUEST_LIFETIME": timedelta(seconds=environment.seconds("PUSHED_REQUEST_LIFETIME", 90)),
    "DPOP_REQUIRES_NONCE": environment.flag("DPOP_REQUIRES_NONCE", default=False),
    "CLIENT_ID_METADATA_DOCUMENTS": environment.flag("CLIENT_ID_METADATA_DOCUMENTS", default=False),
    "CLIENT_DOCUMENT_HOSTS": environment.words("CLIENT_DOCUMENT_HOSTS", ""),
    "CLIENT_DOCUMENT_DENIED_HOSTS": environment.words("CLIENT_DOCUMENT_DENIED_HOSTS", ""),
    "DEVELOPMENT_ONLY_LOOPBACK_CLIENT_DOCUMENTS": environment.flag(
        "DEVELOPMENT_ONLY_LOOPBACK_CLIENT_DOCUMENTS", default=False
    ),
    "DYNAMIC_REGISTRATION": environment.choice("DYNAMIC_REGISTRATION", "off", ("off", "token", "open")),
    "OPEN_CLIENT_SCOPES": environment.words("OPEN_CLIENT_SCOPES", ""),
    "OPEN_CLIENT_APIS": environment.words("OPEN_CLIENT_APIS", ""),
    "OPEN_CLIENT_GRANT_TYPES": environment.words("OPEN_CLIENT_GRANT_TYPES", "authorization_code,refresh_token"),
    "SENDS_MAIL": bool(MAIL),
    "SIGN_UP": environment.flag("SIGN_UP", default=False),
    "PRIVATE_LOGOUT_HOSTS": environment.words("PRIVATE_LOGOUT_HOSTS", ""),
    "BRAND_NAME": environment.text("BRAND_NAME", "") or "Keyturn",
    "BRAND_LOGO": environment.text("BRAND_LOGO", "") or None,
    "BRAND_COLOR": environment.text("BRAND_COLOR", ""),
    "LANGUAGES": environment.words("LANGUAGES", "en,de"),
    "SESSION_ADDRESSES": environment.flag("SESSION_ADDRESSES", default=False),
    "SESSION_PLACES": environment.text("SESSION_PLACES", "") or None,
    "SECOND_FACTOR_GROUPS": environment.words("SECOND_FACTOR_GROUPS", ""),
    "SECOND_FACTOR_STAFF": environment.flag("SECOND_FACTOR_STAFF", default=False),
    "PKCS11_MODULE": environment.text("PKCS11_MODULE", ""),
    "PKCS11_TOKEN": environment.text("PKCS11_TOKEN", ""),
    "PKCS11_PIN": environment.secret("PKCS11_PIN", ""),
}

FORCE_SCRIPT_NAME = urlsplit(ISSUER_URL).path.rstrip("/") or None

# The switches of django-oauth-toolkit, all in their safe position. tokens/checks/oauth.py refuses to start if a switch
# is in another position.
OAUTH2_PROVIDER = {
    "OAUTH2_BACKEND_CLASS": "tokens.authorize.backend.Backend",
    "OAUTH2_VALIDATOR_CLASS": "tokens.authorize.validator.Validator",
    "OIDC_SERVER_CLASS": "tokens.authorize.server.Server",
    "OIDC_ENABLED": True,
    "OIDC_ISS_ENDPOINT": ISSUER["URL"],
    "REFRESH_TOKEN_GENERATOR": "oauthlib.oauth2.rfc6749.tokens.random_token_generator",
    "REFRESH_TOKEN_REUSE_PROTECTION": True,
    "ALLOWED_REDIRECT_URI_SCHEMES": ["https"],
    "PKCE_REQUIRED": True,
    **{
        f"COMPLIANT_BCP_RFC9700_{gate}": True
        for gate in (
            "IMPLICIT_GRANT",
            "PASSWORD_GRANT",
            "PKCE_METHOD",
            "ACCESS_TOKEN_TRANSPORT",
            "AUTHZ_RESPONSE_ISS",
            "TOKEN_STORAGE",
            "REFRESH_TOKEN",
            "REDIRECT_URI_SCHEME",
            "REDIRECT_URI_MATCHING",
            "PKCE_REQUIRED",
        )
    },
}
