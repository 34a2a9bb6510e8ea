"""Checks a client's registration against the FAPI 2.0 Security Profile (final, February 2025).

A client follows the profile if its own switch or the setting FAPI2 is on. Each problem names the clause of the
profile. A client with a problem is refused at every endpoint (`Client.profile_problem`), because the client might have
been registered before the switch or the setting was turned on.
"""

import re
from typing import TYPE_CHECKING

from tokens.languages import gettext_noop

if TYPE_CHECKING:
    from tokens.models.client import Client

SAFE_REDIRECT_URI = re.compile(r"https://.+|http://(?:127\.0\.0\.1|\[::1\])(?::[0-9]{1,5})?(?:/.*)?")
ALGORITHMS = ("PS256", "ES256", "EdDSA")
"""The signature algorithms of the profile (clause 5.4.1-1)."""


NO_PUBLIC = gettext_noop("FAPI 2.0 has no public clients (clause 5.3.2.1-3).")
BY_KEY = gettext_noop("FAPI 2.0 needs private_key_jwt (clause 5.3.2.1-6).")
NO_LEGACY_AUDIENCE = gettext_noop("FAPI 2.0 forbids the legacy audience (clause 5.3.2.1-8).")
NO_ROTATION = gettext_noop("FAPI 2.0 forbids rotating refresh tokens (clause 5.3.2.1-9).")
NO_RS256 = gettext_noop("FAPI 2.0 forbids ID tokens with RS256 (clause 5.4.1-1).")
HTTPS = gettext_noop("FAPI 2.0 needs redirect URIs with https, or http at 127.0.0.1 or [::1] (clause 5.3.2.2-8).")


def problems(client: "Client") -> list[str]:
    """Return the requirements of the FAPI 2.0 Security Profile that the client's registration violates, as texts.

    The caller must check that the client follows the profile (`Client.follows_fapi2`).
    """
    checks = (
        (NO_PUBLIC, client.is_public),
        (BY_KEY, not client.is_public and not client.has_keys),
        (NO_LEGACY_AUDIENCE, client.accepts_token_endpoint_audience),
        (NO_ROTATION, client.rotates_refresh_tokens),
        (NO_RS256, client.id_token_signed_response_alg not in {*ALGORITHMS, None, ""}),
        (HTTPS, any(not SAFE_REDIRECT_URI.fullmatch(uri) for uri in client.redirect_uris.split())),
    )
    return [text for text, is_wrong in checks if is_wrong]
