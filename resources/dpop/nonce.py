"""The nonces of DPoP proofs (RFC 9449 section 9). A nonce is an HMAC of the number of a time window. Pure.

- No nonce is stored. A nonce is accepted during its own window and the next one.
- A client can thus use a nonce for WINDOW to 2 * WINDOW seconds after it got the nonce.
- Processes that share a key accept the nonces of each other. While a key is replaced, nonces of the old key are also
  accepted.
"""

import hmac
from base64 import urlsafe_b64encode
from dataclasses import dataclass, field
from functools import lru_cache

WINDOW = 60  # seconds
PURPOSE = b"dpop nonce of an API\0"


@dataclass(frozen=True, slots=True)
class Nonces:
    """The nonces that an API makes and accepts.

    New nonces are made with the first key in `keys`. A nonce is accepted if any key in `keys` made it.
    """

    keys: tuple[bytes, ...] = field(repr=False)

    def current(self, seconds: float) -> str:
        """Return the nonce that the API gives clients at `seconds`, a Unix time."""
        return nonce(self.keys[0], int(seconds // WINDOW))

    def accepts(self, value: str, seconds: float) -> bool:
        """Return True if `value` is a nonce of the current time window, or of the window before.

        `seconds` is the current Unix time.
        """
        window = int(seconds // WINDOW)
        presented = value.encode("utf-8", "surrogatepass")
        valid_nonces = [nonce(key, number).encode() for key in self.keys for number in (window, window - 1)]
        return any(hmac.compare_digest(presented, valid_nonce) for valid_nonce in valid_nonces)


@lru_cache(maxsize=16)
def nonce(key: bytes, window: int) -> str:
    """Return the nonce that `key` gives for the time window with the number `window`."""
    digest = hmac.digest(key, PURPOSE + str(window).encode(), "sha256")
    return urlsafe_b64encode(digest[:18]).decode()
