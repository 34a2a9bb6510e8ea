"""Signs one message for each line that it reads from stdin, with the issuer's signing key, as a worker does.

Prints a line of JSON for each signature: the kid of the key, or the reason why no key can sign.
"""

import json
import sys

import django
from django.db import close_old_connections
from django.utils import timezone

django.setup()

from tokens.keys import keyring, publication  # noqa: E402 (the models need the settings first)
from tokens.keys.errors import NotReady  # noqa: E402
from tokens.keys.key_pair import verifies  # noqa: E402

MESSAGE = b"message"


def main() -> None:
    for _ in sys.stdin:
        close_old_connections()  # as each request does
        print(json.dumps(signed()), flush=True)


def signed() -> dict[str, object]:
    try:
        now = keyring.carried_clock(now=timezone.now())
        signer = keyring.signer(now=now)
        public = next(key for key in publication.published(now=now) if key.kid == signer.kid)
        return {"kid": signer.kid, "verifies": verifies(signer.sign(MESSAGE), MESSAGE, public.jwk)}
    except NotReady as error:
        return {"refused": str(error), "retry_after": error.retry_after}


if __name__ == "__main__":
    main()
