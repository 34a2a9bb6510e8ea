"""An operation on a ring: who takes a step, when, under which timings and encrypting keys."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from tokens.encryption import EncryptionKey
from tokens.keys.rules.policy import Policy


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """The part that every step of a ring shares: an edge makes one from the settings, the actor and its clock."""

    policy: Policy
    """The timings of the settings, which a step adopts."""
    encryption_keys: Sequence[EncryptionKey] = field(repr=False)
    """KEY_ENCRYPTION_KEYS. The first one seals new keys."""
    actor: str
    """The actor of the audit events, such as `command:rotate_keys`."""
    now: datetime
    """This node's clock, only to be compared with the database's. All dates of keys are the database's."""
