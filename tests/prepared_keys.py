"""RSA keys for tests. Each process makes them once and uses them in every test, because a key costs 80 ms of CPU.

Within a test, all keys differ. Different tests get the same keys, because no test sees the database of another.
"""

import threading
from collections import Counter, defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from types import SimpleNamespace
from unittest.mock import patch

from cryptography.hazmat.primitives.asymmetric import rsa

from tokens.keys import material

_made: defaultdict[tuple[int, int], list[rsa.RSAPrivateKey]] = defaultdict(list)
"""By exponent and size, in the order of drawing. Lives as long as the process."""
_making = threading.Lock()


@contextmanager
def drawn() -> Iterator[None]:
    """Make `tokens.keys.material` return the prepared keys in order instead of new ones, while the block runs.

    Other modules still generate new keys, which differ from all prepared ones.
    """
    draws: Counter[tuple[int, int]] = Counter()

    def draw(public_exponent: int, key_size: int) -> rsa.RSAPrivateKey:
        kind = public_exponent, key_size
        with _making:
            number, keys = draws[kind], _made[kind]
            draws[kind] += 1
            if number == len(keys):
                keys.append(rsa.generate_private_key(public_exponent, key_size))
            return keys[number]

    with patch.object(material, "rsa", SimpleNamespace(**{**vars(rsa), "generate_private_key": draw})):
        yield
