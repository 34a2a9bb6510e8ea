"""Makes the keys of the FAPI plan's clients, and registers the clients with `create_client`."""

import json
from pathlib import Path
from typing import Any

from joserfc.jwk import ECKey, KeySet, RSAKey

from tests import manage_process

GRANTS = ("authorization_code", "refresh_token", "client_credentials")


def register(variables: dict[str, str], folder: Path, name: str, callback: str) -> dict[str, Any]:
    """Register a client that must follow FAPI 2.0. Returns its client_id, and its private keys by algorithm.

    Also registers an RSA key of the client. So the issuer refuses an assertion that is signed with RS256 because of the
    algorithm, and not because it does not know the key.
    """
    curve, rsa = ECKey.generate_key("P-256", {"kid": f"{name}-ec"}), RSAKey.generate_key(2048, {"kid": f"{name}-rsa"})
    file = folder / f"{name}.jwks.json"
    file.write_text(json.dumps(KeySet([curve, rsa]).as_dict(private=False)), encoding="utf-8")
    client_id = f"fapi-{name}"
    options = [option for grant in GRANTS for option in ("--grant", grant)]
    manage_process.command(
        variables,
        *("create_client", "--name", f"FAPI {name}", "--client-id", client_id, "--fapi2", "--jwks", str(file)),
        *(*options, "--redirect-uri", callback, "--scope", "notes:read"),
    )
    return {"client_id": client_id, "keys": {"ES256": curve, "PS256": rsa, "RS256": rsa}}
