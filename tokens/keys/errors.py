"""Errors about signing keys. Views, commands and the admin translate them, each in one place."""


class KeyProblem(Exception):
    """A step or a signature is refused. The message contains no secret and can be shown to an operator."""


class NotReady(KeyProblem):
    """No key can sign or be published at this moment. A view answers 503 with Retry-After and no-store."""

    def __init__(self, reason: str, *, retry_after: int = 5) -> None:
        super().__init__(reason)
        self.retry_after = retry_after
        """Seconds until a retry can succeed."""


class NoKey(NotReady):
    """The ring has no key yet: this issuer is being set up."""


class CannotOpen(KeyProblem):
    """The private half of a key cannot be decrypted, or its probe signature does not verify."""


class Unsafe(KeyProblem):
    """The step would break a promise about keys (P1 to P6), or the clocks are too far apart to compute its dates."""


class LockNotHad(KeyProblem):
    """Another process held the lock of the ring for longer than a step waits."""


class UnknownKey(KeyProblem):
    """There is no such key or ring, or its phase does not allow the step."""


class WrongRing(KeyProblem):
    """A ring of that kind cannot be created, or the ring exists and is of another kind, which is fixed."""
