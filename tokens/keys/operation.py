"""An operation on a key ring, and its outcome: the actor and settings of a step, and the step's result."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from tokens.encryption import EncryptionKey
from tokens.keys.rules.moves import DEFAULT_RING
from tokens.keys.rules.policy import Policy


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """The arguments that all steps on keys share: the settings, the actor and the clock of a command or admin page."""

    policy: Policy
    """The timings of the settings, which a step adopts."""
    encryption_keys: Sequence[EncryptionKey] = field(repr=False)
    """KEY_ENCRYPTION_KEYS. The first one seals new keys."""
    actor: str
    """The actor of the audit events, such as `command:rotate_keys`."""
    now: datetime
    """This node's clock, only for a comparison with the database's clock, from which all dates of keys come."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """The result of a step: what it did, or why it did nothing."""

    step: str
    """`created`, `planned`, `announced`, `lengthened`, `destroyed`, `rewrapped`, `cancelled` or `nothing`."""
    message: str
    kid: str | None = None
    at: datetime | None = None
    """When the step takes effect.

    If the step did nothing, when the planned switch happens, or when the next step is due.
    """
    announced: str | None = None
    """The key that a planned switch announced as the next standby."""
    shown_from: datetime | None = None
    """When the JWKS of every process has `announced`: snapshot_age + clock_error after the step."""
    ring: str = DEFAULT_RING
