"""What can go wrong with signing keys, each by its name; whoever answers a request or a command translates it once."""


class KeyProblem(Exception):
    """Something about the ring forbids what was asked; the message may be shown."""


class NotReady(KeyProblem):
    """Nothing may sign, or nothing may be published, right now: answer 503 with Retry-After and no-store."""

    def __init__(self, reason: str, *, retry_after: int = 5) -> None:
        super().__init__(reason)
        self.retry_after = retry_after
        """Seconds after which asking again makes sense."""


class NoKey(NotReady):
    """The ring has no key yet: this issuer is being set up."""


class CannotOpen(KeyProblem):
    """The private half of a key cannot be decrypted, or its probe signature does not verify."""


class Unsafe(KeyProblem):
    """What was asked would break a promise of the life of keys, or the clocks do not allow to know."""


class LockNotHad(KeyProblem):
    """Another process held the ring for the whole time that we were ready to wait."""


class UnknownKey(KeyProblem):
    """There is no such key or ring, or it can no longer be acted upon."""


class WrongRing(KeyProblem):
    """A ring of that kind cannot be made, or a ring that exists is of another kind for its life."""
