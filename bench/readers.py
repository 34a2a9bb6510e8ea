"""Readers that poll a revocation feed each second (`python -m bench.readers URL COUNT`).

They end when standard input is closed.
"""

import os
import sys
import threading
import time

import requests

from bench.priority import ahead
from tests.tokens.feed_reader import claims_of

EVERY = 1.0  # seconds


def main(url: str, count: str) -> None:
    """Start `count` readers, whose polls are spread over a second. The readers end when standard input is closed."""
    with ahead(os.getpid()):
        for number in range(int(count)):
            threading.Thread(target=poll, args=(url, number / int(count)), daemon=True).start()
        sys.stdin.read()


def poll(url: str, after: float) -> None:
    """Wait `after` seconds, read the whole feed, and then poll each second for later entries.

    An issuer whose feed has no versions sends the whole feed each time.
    """
    time.sleep(after)
    with requests.Session() as session:
        version = ""
        while True:
            query = {"since": version} if version else {}
            headers = {"If-None-Match": f'W/"{version}"'} if version else {}
            answer = session.get(url, params=query, headers=headers, timeout=60)
            if answer.status_code == 200:
                version = claims_of(answer.text).get("version", "")
            time.sleep(EVERY)


if __name__ == "__main__":
    main(*sys.argv[1:])
