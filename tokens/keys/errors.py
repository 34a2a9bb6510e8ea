"""Errors about signing keys. Views, commands and the admin translate them, each in one place."""


class KeyProblem(Exception):
    """The base class of errors about signing keys. The message contains no secret and can be shown to an operator."""


class NotReady(KeyProblem):
    """No key can sign or be published at this moment. A view answers 503 with Retry-After and no-store."""

    def __init__(self, reason: str, *, retry_after: int = 5) -> None:
        super().__init__(reason)
        self.retry_after = retry_after
        """Seconds until a retry can succeed."""


class NoKey(NotReady):
    """The key ring has no key yet: this issuer is being set up."""


class CannotOpen(KeyProblem):
    """The row of a key does not verify, or its private half cannot be decrypted or used."""


class Unsafe(KeyProblem):
    """The step would break a rule of docs/why-rotation-is-safe.md.

    Also raised if this node's clock differs from the database's clock by more than clock_error.
    """


class LockNotHad(KeyProblem):
    """Another process held the lock of the key ring for longer than a step waits."""


class UnknownKey(KeyProblem):
    """There is no such key or key ring, or the key's phase, such as withdrawn, does not allow the step."""


class WrongRing(KeyProblem):
    """The request does not fit the key ring, for example the ring's name, algorithm, key size or keystore."""
