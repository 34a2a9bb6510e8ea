"""The entries of settings.ISSUER with their defaults. Pure.

The comments of this module become docs/reference/settings.md.
"""

from datetime import timedelta
from typing import Any

from tokens.languages import LANGUAGES
from tokens.settings import authorization_request, open_client

DEFAULTS: dict[str, Any] = {
    # The issuer's URL, exactly as APIs and clients compare it with the claim `iss`.
    "URL": "",
    # Secrets that encrypt signing keys and hash client secrets, each base64url of at least 32 bytes. The first one
    # encrypts, each decrypts.
    "KEY_ENCRYPTION_KEYS": [],
    # The timings of signing keys: "production" or "development" (POLICIES in tokens/keys/rules/policy.py).
    "KEY_POLICY": "production",
    # Changes to single timings of KEY_POLICY (docs/key-rotation.md).
    "KEY_TIMINGS": {},
    # None: ten minutes, or the longest lifetime that the key policy permits if that is shorter.
    "ACCESS_TOKEN_LIFETIME": None,
    # The longest time from a user's consent to the last refresh, however often the refresh token is used.
    "REFRESH_TOKEN_LIFETIME": timedelta(days=30),
    # The longest time between two uses of a refresh token.
    "REFRESH_TOKEN_IDLE_LIFETIME": timedelta(days=7),
    # True: a proxy in front appends the client's address to X-Forwarded-For. Rate limits count by that address.
    "BEHIND_PROXY": False,
    # A bearer token with which /readyz says why the issuer is not ready. If empty, only requests from the machine
    # itself get the reason.
    "OPERATOR_TOKEN": "",
    # The redirect URIs that every administrator may register (tokens/registration/delegation.py); empty: all.
    "REDIRECT_ALLOW_LIST": [],
    # Changes to RATE_LIMITS in tokens/settings/rate.py, as (number, seconds): {"login": (10, 60)}.
    "RATE_LIMITS": {},
    # The path of a file to which the audit trail is appended, in addition to the database; None: no such file.
    "AUDIT_JOURNAL": None,
    # How long the rows of the audit trail are kept, as a timedelta of at least 30 days; None: for ever.
    "AUDIT_RETENTION": None,
    # True: the claim `name` of a user without first and last name is the username.
    "NAME_FROM_USERNAME": True,
    # Development only; without DEBUG, the issuer does not start with it: remember consent also for redirect URIs at
    # http://localhost, 127.0.0.1 and [::1].
    "DEVELOPMENT_ONLY_REMEMBER_LOOPBACK_CONSENT": False,
    # For each claim of OpenID Connect, a field of the user ("locale", "profile.website") or "module:function"
    # (docs/claims.md).
    "CLAIMS_SOURCE": {},
    # The dotted path of a function that adds claims to tokens and userinfo (docs/claims.md); empty: none.
    "CLAIMS": "",
    "CLAIMS_WITHIN": timedelta(seconds=1),  # how long the function of CLAIMS may take
    # The Django groups that clients and APIs get by the scope `groups`; empty: there is no such scope.
    "GROUPS_CLAIM": [],
    # A folder with recipes of this site, in addition to those of tokens/recipes/programs/; None: no such folder.
    "RECIPES": None,
    # True: userinfo accepts the token in the body of a POST request (RFC 6750 section 2.2).
    "USERINFO_TOKEN_IN_BODY": False,
    # Hosts in private networks to which logout tokens may be sent; .corp.example means a domain with its hosts.
    "PRIVATE_LOGOUT_HOSTS": (),
    # The operator's name on the issuer's pages.
    "BRAND_NAME": "Keyturn",
    # The path of a logo for the pages: PNG, WebP or SVG, at most 64 KiB. None: Keyturn's own.
    "BRAND_LOGO": None,
    # A colour for the pages, such as "#2448c8". Its shades for light and dark pages are derived. Empty: Keyturn's own.
    "BRAND_COLOR": "",
    # The languages of the pages (tokens/languages.py). Browsers that accept none of them get the first.
    "LANGUAGES": LANGUAGES,
    # True: a session's address (IP) is stored and shown to its user.
    "SESSION_ADDRESSES": False,
    # The path of a database of places in MaxMind's format (docs/account.md): the place of a session's address is shown,
    # too. None: no place.
    "SESSION_PLACES": None,
    # True: a DPoP proof needs a nonce of this issuer (RFC 9449 section 8). A client needs a further request to get one.
    "DPOP_REQUIRES_NONCE": False,
    # The Django groups whose members need a second factor (docs/login.md).
    "SECOND_FACTOR_GROUPS": [],
    # True: users with access to the admin need a second factor.
    "SECOND_FACTOR_STAFF": False,
    # True: a mail server is configured, so users can reset passwords and verify addresses.
    "SENDS_MAIL": False,
    # True: visitors can sign up. Needs SENDS_MAIL.
    "SIGN_UP": False,
    # For rings with keys in an HSM: the path of the vendor's PKCS#11 library (docs/key-rotation.md).
    "PKCS11_MODULE": "",
    # The label of the PKCS#11 token with the signing keys.
    "PKCS11_TOKEN": "",
    # The PIN of that PKCS#11 token.
    "PKCS11_PIN": "",
    **open_client.DEFAULTS,
    **authorization_request.DEFAULTS,
}
