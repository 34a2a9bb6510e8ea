"""The proofs that this process has accepted, so that no proof is accepted twice (RFC 9449 section 11.1).

- A proof is stored as 16 octets of a hash, for `seconds` to 2 * `seconds`.
- At most `limit` proofs are stored. While the memory is full, further proofs are refused with 503, because an attacker
  could replay a proof that is forgotten early. Only proofs that passed every other check are stored, so an attacker
  who fills the memory needs a valid token and its key.
- The proofs are in two sets, and the older set is discarded as a whole. So no search for expired proofs is needed.

Pure, apart from its state.
"""

import threading

from ..errors import Unavailable

LIMIT = 131_072  # proofs, about 11 MB: 728 per second for 180 s
RETRY_AFTER = 5  # seconds


class ReplayMemory:
    """The accepted proofs of one process. Threads share them. A forked process keeps the proofs of its parent."""

    def __init__(self, *, seconds: float, limit: int = LIMIT) -> None:
        self._seconds, self._limit = seconds, limit
        self._recent: set[bytes] = set()
        self._older: set[bytes] = set()
        self._since = float("-inf")
        self.reset_after_fork()

    def reset_after_fork(self) -> None:
        """Replace the lock after a fork."""
        # A thread that holds the old lock exists only in the parent process.
        self._lock = threading.Lock()

    def __len__(self) -> int:
        return len(self._recent) + len(self._older)

    def add(self, proof: bytes, now: float) -> bool:
        """Store a proof, and return True. Returns False if the proof was stored before.

        `proof` is the digest of the proof, `now` is the current Unix time. Raises Unavailable if the memory is full.
        """
        with self._lock:
            self._discard(now)
            if proof in self._recent or proof in self._older:
                return False
            if len(self) >= self._limit:
                raise Unavailable(RETRY_AFTER)
            self._recent.add(proof)
            return True

    def _discard(self, now: float) -> None:
        """Discard the sets whose proofs have expired. The age of the recent set decides.

        If the recent set is less than `seconds` old, nothing is discarded. From `seconds` to 2 * `seconds`, the older
        set is discarded, and the recent set becomes the older one. After 2 * `seconds`, both sets are discarded. If the
        clock goes back, the sets are discarded later.
        """
        if now < self._since + self._seconds:
            return
        is_recent = now < self._since + 2 * self._seconds
        self._older, self._recent = (self._recent if is_recent else set()), set()
        self._since = now
