"""What each fault of an issuer costs a good request meanwhile (`python -m bench.faulty_issuer`).

For each fault: the statuses of a token under a known key and of one under an unknown key, the fetches made, and the
median and the longest of fifty good requests while the fault lasts, as multiples of a good request's median before it.
"""

import os
import statistics
import time

import django

os.environ["DJANGO_SETTINGS_MODULE"] = "tests.settings"
django.setup()

import logging  # noqa: E402

from django.test import override_settings  # noqa: E402
from django.test.utils import setup_test_environment  # noqa: E402

from resources import issuers  # noqa: E402
from resources.testing import jwks  # noqa: E402
from tests.resources.loopback import document, loopback  # noqa: E402
from tests.resources.test_faulty_issuer import AUDIENCE, FAULTS, GOOD, NEW, World  # noqa: E402

REQUESTS = 50


def main() -> None:
    """Print the table."""
    logging.disable()
    setup_test_environment()
    print(f"{'fault':34} known unknown fetches  median  longest   (of a good request, as multiples)")
    for name, fault in FAULTS.items():
        print(row(name, fault))


def row(name: str, fault: object) -> str:
    """One fault, on a real socket, on a clock that is wound to where the keys are due."""
    with loopback() as issuer:
        world = World(issuer)
        issuers.clock = world.clock
        issuer.publish(jwks(GOOD))
        with override_settings(RESOURCE_SERVER={"ISSUERS": [issuer.url], "AUDIENCE": [AUDIENCE]}):
            world.ask()
            before = statistics.median(timed(world) for _ in range(REQUESTS))
            issuer.answers["/jwks.json"] = fault()  # type: ignore[operator]
            issuer.answers["/elsewhere.json"] = document(jwks(NEW))
            world.wound += 290
            meanwhile = [timed(world) for _ in range(REQUESTS)]
            world.land()
            known, unknown, fetches = world.ask(), world.ask(NEW), world.fetches - 1
    median, longest = statistics.median(meanwhile) / before, max(meanwhile) / before
    return f"{name:34} {known:5} {unknown:7} {fetches:7} {median:7.2f} {longest:8.2f}"


def timed(world: World) -> float:
    """Seconds of one good request."""
    start = time.perf_counter()
    world.ask()
    return time.perf_counter() - start


if __name__ == "__main__":
    main()
