"""The faults of the drill, in the order in which they are injected.

The first step plans a switch to the next signing key. The issuers make this switch later, during the faults of nodes.
"""

from project.drill.fault_window import Fault
from project.drill.node_faults import (
    clocks_beyond,
    clocks_within,
    killed_issuer,
    rolling_restart,
    wrong_key,
)  # fmt: skip
from project.drill.operator_steps import mass_log_out, revoked_key, rotation
from project.drill.store_faults import (
    cut_off_api,
    frozen_postgresql,
    frozen_redis,
    read_only_postgresql,
    stopped_longer,
    stopped_postgresql,
    stopped_redis,
)  # fmt: skip

FULL: tuple[Fault, ...] = (
    rotation, clocks_within, killed_issuer, clocks_beyond, wrong_key, rolling_restart, stopped_postgresql,
    stopped_longer, frozen_postgresql, read_only_postgresql, cut_off_api, frozen_redis, revoked_key, mass_log_out,
)  # fmt: skip
BESIDE_CROWD = frozenset({rotation, clocks_within, killed_issuer, clocks_beyond, wrong_key})
"""Faults that do not need the users of the mass log-out, and during which these users can be added."""
QUICK: tuple[Fault, ...] = (killed_issuer, frozen_postgresql, stopped_redis)
ALL: tuple[Fault, ...] = tuple(dict.fromkeys((*FULL, *QUICK)))
"""Every fault once. In the full drill, Redis is stopped while an API is cut off."""
