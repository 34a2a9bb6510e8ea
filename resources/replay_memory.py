"""The proofs that this process has accepted, so that none is accepted twice (RFC 9449 section 11.1).

- A proof is stored as 16 octets, of which a client chooses none, for `seconds` to 2 * `seconds`.
- At most `limit` proofs are stored. While the memory is full, further proofs are refused with 503: to forget one early
  would let an attacker replay it. Only proofs that passed every other check are stored, so that filling the memory
  needs a valid token and its key.
- Two sets hold them, of which the older one is discarded after `seconds`: no proof is searched or sorted.

Pure, apart from its state.
"""

import threading

from .errors import Unavailable

LIMIT = 131_072  # proofs, about 11 MB: 728 a second for 180 s
RETRY_AFTER = 5  # seconds


class ReplayMemory:
    """The accepted proofs of one process. Its threads share it; a forked process keeps what its parent accepted."""

    def __init__(self, *, seconds: float, limit: int = LIMIT) -> None:
        self._seconds, self._limit = seconds, limit
        self._recent: set[bytes] = set()
        self._older: set[bytes] = set()
        self._since = float("-inf")
        self.reset_after_fork()

    def reset_after_fork(self) -> None:
        """Replace the lock (after a fork: a thread that holds it exists only in the parent)."""
        self._lock = threading.Lock()

    def __len__(self) -> int:
        return len(self._recent) + len(self._older)

    def add(self, proof: bytes, now: float) -> bool:
        """Store a proof at `now`, a Unix time. Returns False if it was stored before. Raises Unavailable if full."""
        with self._lock:
            self._discard(now)
            if proof in self._recent or proof in self._older:
                return False
            if len(self) >= self._limit:
                raise Unavailable(RETRY_AFTER)
            self._recent.add(proof)
            return True

    def _discard(self, now: float) -> None:
        """Discard the older set if the recent one is `seconds` old. A clock that goes back only delays that."""
        if now < self._since + self._seconds:
            return
        is_recent = now < self._since + 2 * self._seconds
        self._older, self._recent = (self._recent if is_recent else set()), set()
        self._since = now
