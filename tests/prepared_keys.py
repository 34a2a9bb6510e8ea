"""RSA keys for rings in tests: made once per process, because each costs 80 ms of CPU, and drawn again by each test.

A test gets a different key at each draw. Two tests get the same keys, as no test sees the database of another.
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
    """Let `material.generate` draw prepared keys, from the first on; only that module, so that no other key is one."""
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
