"""The order of the faults. The planned switch of the key (rotation) takes place during the faults of nodes."""

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
QUICK: tuple[Fault, ...] = (killed_issuer, frozen_postgresql, stopped_redis)
