"""Measure how each fault of an issuer slows down valid requests to an API (`python -m bench.faulty_issuer`).

For each fault, prints the HTTP status of a request whose token was signed by a known key, and of one whose token was
signed by an unknown key. Also prints how often the API fetched keys, and the median and the maximum time of fifty valid
requests during the fault. These times are multiples of the median before the fault.
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

from resources.issuers import trusts  # noqa: E402
from resources.testing import jwks  # noqa: E402
from tests.resources.loopback import document, loopback  # noqa: E402
from tests.resources.test_faulty_issuer import AUDIENCE, FAULTS, GOOD, NEW, World  # noqa: E402

REQUESTS = 50


def main() -> None:
    """Measure each fault, and print the table of the results."""
    logging.disable()
    setup_test_environment()
    print(f"{'fault':34} known unknown fetches  median  longest   (of a good request, as multiples)")
    for name, fault in FAULTS.items():
        print(row(name, fault))


def row(name: str, fault: object) -> str:
    """Measure one fault of an issuer that runs on a real socket. Return the row of the table as text.

    `fault` returns the faulty answer to a request of the JWKS. The clock is set to a time at which the API has to fetch
    the JWKS again.
    """
    with loopback() as issuer:
        world = World(issuer)
        trusts.clock = world.clock
        issuer.publish(jwks(GOOD))
        with override_settings(RESOURCE_SERVER={"ISSUERS": [issuer.url], "AUDIENCE": [AUDIENCE]}):
            world.ask()
            before = statistics.median(timed(world) for _ in range(REQUESTS))
            issuer.answers["/jwks.json"] = fault()  # type: ignore[operator]
            issuer.answers["/elsewhere.json"] = document(jwks(NEW))
            world.wound += 290
            during = [timed(world) for _ in range(REQUESTS)]
            world.land()
            status_of_known, status_of_unknown, fetches = world.ask(), world.ask(NEW), world.fetches - 1
    median, longest = statistics.median(during) / before, max(during) / before
    return f"{name:34} {status_of_known:5} {status_of_unknown:7} {fetches:7} {median:7.2f} {longest:8.2f}"


def timed(world: World) -> float:
    """Return the seconds that one valid request to the API takes."""
    start = time.perf_counter()
    world.ask()
    return time.perf_counter() - start


if __name__ == "__main__":
    main()
