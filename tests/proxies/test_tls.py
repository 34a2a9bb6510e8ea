"""The TLS versions and cipher suites that each proxy configuration of docs/proxies.md accepts.

`openssl s_client` offers each version and suite. No issuer runs behind the proxies. RFC 9325 (BCP 195) recommends TLS
1.2 and 1.3 (section 3.1.1), and for TLS 1.2 the suites of section 4.2.
"""

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.ports import free
from tests.proxies.servers import LANGUAGES, adapted, block, certificate, running

pytestmark = [pytest.mark.proxies, pytest.mark.xdist_group("proxies")]
RECOMMENDED = ("ECDHE-RSA-AES128-GCM-SHA256", "ECDHE-RSA-AES256-GCM-SHA384")
CBC = "ECDHE-RSA-AES128-SHA:ECDHE-RSA-AES256-SHA:ECDHE-RSA-AES128-SHA256:ECDHE-RSA-AES256-SHA384"
NO_FORWARD_SECRECY = "AES128-GCM-SHA256:AES256-GCM-SHA384:AES128-SHA:AES256-SHA"
OTHERS = "DHE-RSA-AES128-GCM-SHA256:DHE-RSA-AES256-GCM-SHA384:ECDHE-RSA-CHACHA20-POLY1305:ECDHE-RSA-AES128-CCM"
ANY = "ALL:@SECLEVEL=0"


@dataclass(frozen=True, slots=True)
class Handshakes:
    """A running proxy, with which a test tries TLS handshakes. `port` is the port on which it listens."""

    port: int

    def suite(self, version: str, ciphers: str = "") -> str | None:
        """Return the cipher suite of a TLS handshake with the proxy, or None if the handshake fails.

        The client offers only the TLS version `version`, an option of `openssl s_client`. It offers only the suites
        `ciphers`, or OpenSSL's default suites if `ciphers` is "".
        """
        chosen = ["-cipher", ciphers] if ciphers else []
        done = subprocess.run(
            ["openssl", "s_client", "-connect", f"127.0.0.1:{self.port}", "-servername", "localhost", version, *chosen],
            input="",
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        line = next((line for line in done.stdout.splitlines() if ", Cipher is " in line), "")
        name = line.rpartition(" ")[2]
        return None if name in {"", "(NONE)"} else name


@contextmanager
def proxied(language: str, folder: Path, instead: tuple[str, str] = ("", "")) -> Iterator[Handshakes]:
    """Run the proxy that docs/proxies.md configures in `language`, such as "nginx", while the block runs.

    `instead` is a text of the configuration and its replacement, or two empty strings to change nothing.
    """
    folder.chmod(0o755)
    certificate(folder)
    proxy = Handshakes(free())
    config = block(language)
    assert instead[0] in config
    whole = adapted(config.replace(*instead) if instead[0] else config, folder, proxy.port, free())
    with running(language, whole, folder, proxy.port, lambda: proxy.suite("-tls1_2") is not None):
        yield proxy


@pytest.fixture(scope="module", params=LANGUAGES)
def proxy(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Handshakes]:
    with proxied(request.param, tmp_path_factory.mktemp("tls")) as proxy:
        yield proxy


@pytest.mark.parametrize("version", ["-tls1", "-tls1_1"])
def test_tls_1_0_and_1_1_are_refused(proxy: Handshakes, version: str) -> None:
    assert proxy.suite(version, ANY) is None


@pytest.mark.parametrize("suite", RECOMMENDED)
def test_tls_1_2_with_a_recommended_suite_is_accepted(proxy: Handshakes, suite: str) -> None:
    assert proxy.suite("-tls1_2", suite) == suite


@pytest.mark.parametrize("suites", [CBC, NO_FORWARD_SECRECY, OTHERS], ids=["cbc", "no forward secrecy", "others"])
def test_tls_1_2_with_another_suite_is_refused(proxy: Handshakes, suites: str) -> None:
    for suite in suites.split(":"):
        assert proxy.suite("-tls1_2", f"{suite}:@SECLEVEL=0") is None, suite


def test_tls_1_3_is_accepted_and_preferred(proxy: Handshakes) -> None:
    assert (proxy.suite("-tls1_3") or "").startswith("TLS_")
    assert (proxy.suite("-no_ssl3") or "").startswith("TLS_")


@pytest.mark.parametrize(
    ("language", "line", "instead"),
    [
        ("nginx", "ssl_ciphers ", "ssl_ciphers ECDHE-RSA-AES128-SHA:"),
        ("haproxy", "ssl-default-bind-ciphers ", "ssl-default-bind-ciphers ECDHE-RSA-AES128-SHA:"),
        ("caddyfile", "ciphers ", "ciphers TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA "),
        ("apache", "SSLCipherSuite ", "SSLCipherSuite ECDHE-RSA-AES128-SHA:"),
    ],
)
def test_a_configuration_that_accepts_a_cbc_suite_is_seen(
    language: str, line: str, instead: str, tmp_path: Path
) -> None:
    with proxied(language, tmp_path, (line, instead)) as proxy:
        assert proxy.suite("-tls1_2", "ECDHE-RSA-AES128-SHA:@SECLEVEL=0") == "ECDHE-RSA-AES128-SHA"
