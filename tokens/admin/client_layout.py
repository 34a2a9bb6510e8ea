"""The layout of a client's page in the admin."""

from typing import Any

from django.utils.translation import gettext_lazy

LIFETIMES = gettext_lazy("Enter lifetimes as days and hours:minutes:seconds, such as 30 00:00:00 or 00:10:00.")

FIELDSETS: Any = [
    (None, {"fields": ["name", "client_id", "client_type", "registered_by", "recipe", "less_strict", "is_active"]}),
    (
        gettext_lazy("Permissions"),
        {
            "description": LIFETIMES,
            "fields": [
                "grants",
                "scopes",
                "apis",
                "redirect_uris",
                "allows_undotted_schemes",
                "allows_any_localhost_port",
                "pkce",
                "require_pushed_authorization_requests",
                "require_signed_request_object",
                "security_profile",
                "dpop_bound_access_tokens",
                "id_token_signed_response_alg",
                "access_token_lifetime",
            ],
        },
    ),
    (
        gettext_lazy("Users"),
        {
            "description": LIFETIMES,
            "fields": [
                "required_class",
                "skip_authorization",
                "remembers_consent",
                "userinfo_by_api_tokens",
                "claims_in_id_token",
                "post_logout_redirect_uris",
                "backchannel_logout_uri",
                "backchannel_logout_session_required",
                "allowed_origins",
                "always_gets_refresh_token",
                "rotates_refresh_tokens",
                "refresh_token_lifetime",
                "refresh_token_idle_lifetime",
            ],
        },
    ),
    (
        gettext_lazy("Authentication"),
        {
            "fields": [
                "token_endpoint_auth_method",
                "pins_authentication_method",
                "client_jwks",
                "client_jwks_uri",
                "accepts_token_endpoint_audience",
                "requires_assertion_type",
            ]
        },
    ),
    (gettext_lazy("Secrets"), {"fields": ["new_secret"]}),
]
