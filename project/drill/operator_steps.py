"""Steps of an operator under load: rotate the signing key, revoke it, log all users out."""

import json
import re
import time

from project.drill.fault_window import UNAVAILABLE, Drill
from project.drill.ledger import Check


def rotation(drill: Drill) -> None:
    """Plan a switch to the next signing key. The issuers switch at the earliest safe time."""
    with drill.window("rotate_keys --now"):
        drill.world.topology.command("rotate_keys", "--now")


def revoked_key(drill: Drill) -> None:
    """Revoke the signing key.

    Before that, record whether the planned switch took place. It did if the signing key is not the key that signed the
    first token of the drill.
    """
    # The step `rotation` planned such a switch.
    world = drill.world
    with drill.window("revoke_key of the signing key"):
        keys = json.loads(world.topology.command("keys", "--json", "--ring", "default"))["rings"][0]["keys"]
        phases = {key["phase"]: key["kid"] for key in keys}
        switched = phases["signing"] != world.wallet.ledger.tokens[0].kid
        world.wallet.ledger.checks.append(Check("planned switch of the key", time.time(), kept=switched))
        revocation = world.wallet.ledger.begin("kid", phases["signing"], now=time.time())
        world.topology.command("revoke_key", revocation.identifier, "--reason", "drill", "--yes")
        world.wallet.ledger.end(revocation, acknowledged=True, now=time.time())


def mass_log_out(drill: Drill) -> None:
    """Log out the users of the drill's clients and the users that `add_crowd` added. This revokes all their tokens."""
    world = drill.world
    with drill.window(f"log-out of {drill.sizes.crowd:,} users", excuses=UNAVAILABLE):
        revocation = world.wallet.ledger.begin("all", "", now=time.time())
        printed = world.topology.command("revoke_tokens", "--all", "--reason", "drill", "--yes")
        world.wallet.ledger.end(revocation, acknowledged=True, now=time.time())
        users = int(re.sub(r"\D", "", re.findall(r"([\d,]+) users", printed)[0]))
        world.wallet.ledger.checks.append(Check("log-out", time.time(), kept=users >= drill.sizes.crowd))
