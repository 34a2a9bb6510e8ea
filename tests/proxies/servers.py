"""Runs each proxy in the foreground, with a documented configuration and the defaults of Linux distributions."""

import os
import re
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.proxies import environment
from tests.services.conftest import wait_for

ROOT = Path(__file__).resolve().parent.parent.parent
PAGE = ROOT / "docs" / "proxies.md"
TRAEFIK = ROOT / "examples" / "without_drf" / "traefik.static.yaml"
APACHE_MODULES = ("mpm_event", "authz_core", "ssl", "socache_shmcb", "headers", "proxy", "proxy_http", "reqtimeout")
LANGUAGES = ("nginx", "haproxy", "caddyfile", "apache")


def block(language: str) -> str:
    """Return the only code block in this language of docs/proxies.md."""
    blocks = re.findall(rf"```{language}\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    assert len(blocks) == 1
    return blocks[0]


def certificate(folder: Path) -> Path:
    """Make a certificate for localhost, and return the path of issuer.crt.

    Also writes the private key to issuer.key, and both the certificate and the key to issuer.pem.
    """
    crt, key = folder / "issuer.crt", folder / "issuer.key"
    subprocess.run(
        [
            *("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost"),
            *("-addext", "subjectAltName=DNS:localhost", "-keyout", key, "-out", crt),
        ],
        check=True,
        capture_output=True,
    )
    (folder / "issuer.pem").write_text(crt.read_text() + key.read_text())
    return crt


def adapted(config: str, folder: Path, port: int, upstream: int) -> str:
    """Return the documented configuration with the test's values for host name, ports and files.

    `port` is the port of the proxy. `upstream` is the port of the issuer.
    """
    for documented, own in (
        ("issuer.example", "localhost"),
        ("127.0.0.1:8000", f"127.0.0.1:{upstream}"),
        ("/etc/ssl/", f"{folder}/"),
        ("listen 443", f"listen 127.0.0.1:{port}"),
        ("bind :443", f"bind 127.0.0.1:{port}"),
        ("*:443", f"127.0.0.1:{port}"),
    ):
        config = config.replace(documented, own)
    return config


def nginx(config: str, folder: Path, port: int) -> tuple[str, list[str]]:
    kept = "".join(
        f"{kind}_temp_path {folder}/{kind};" for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    whole = f"daemon off; pid {folder}/pid; error_log {folder}/error.log; events {{}}\nhttp {{ access_log off; {kept}\n"
    return f"{whole}{config}}}", ["nginx", "-c", f"{folder}/config", "-p", str(folder), "-e", f"{folder}/error.log"]


def haproxy(config: str, folder: Path, port: int) -> tuple[str, list[str]]:
    return config, ["haproxy", "-db", "-f", f"{folder}/config"]


def caddy(config: str, folder: Path, port: int) -> tuple[str, list[str]]:
    whole = config.replace("{\n", "{\n    admin off\n    auto_https disable_redirects\n", 1)
    whole = whole.replace("\nlocalhost {", f"\nlocalhost:{port} {{\n    bind 127.0.0.1")
    return whole, ["caddy", "run", "--adapter", "caddyfile", "--config", f"{folder}/config"]


def apache(config: str, folder: Path, port: int) -> tuple[str, list[str]]:
    modules = "".join(f"LoadModule {name}_module /usr/lib/apache2/modules/mod_{name}.so\n" for name in APACHE_MODULES)
    own = f"ServerRoot {folder}\nPidFile {folder}/pid\nErrorLog {folder}/error.log\nListen 127.0.0.1:{port}\n"
    own += f"DefaultRuntimeDir {folder}\nServerName localhost\nUser www-data\nGroup www-data\n"
    return modules + own + config, ["apache2", "-X", "-f", f"{folder}/config"]


def traefik(config: str, folder: Path, port: int) -> tuple[str, list[str]]:
    static = TRAEFIK.read_text(encoding="utf-8").replace("127.0.0.1:8080", f"127.0.0.1:{port}")
    (folder / TRAEFIK.name).write_text(static)
    (folder / "traefik.yaml").symlink_to("config")
    return config, [str(environment.traefik()), f"--configFile={TRAEFIK.name}"]


STARTS: dict[str, Callable[[str, Path, int], tuple[str, list[str]]]] = {
    "nginx": nginx,
    "haproxy": haproxy,
    "caddyfile": caddy,
    "apache": apache,
    "traefik": traefik,
}


@contextmanager
def running(language: str, config: str, folder: Path, port: int, ready: Callable[[], bool]) -> Iterator[None]:
    """Run the proxy that reads configurations in `language` while the block runs.

    Waits until `ready` returns True, and terminates the proxy at the end.
    """
    whole, command = STARTS[language](config, folder, port)
    (folder / "config").write_text(whole)
    variables = {"PATH": f"{os.environ['PATH']}:/usr/sbin", "HOME": str(folder), "XDG_DATA_HOME": str(folder)}
    with (folder / "output.log").open("wb") as output:
        process = subprocess.Popen(command, cwd=folder, env=variables, stdout=output, stderr=output)
    try:
        wait_for(lambda: process.poll() is not None or ready(), within=20)
        assert process.poll() is None, (folder / "output.log").read_text()
        yield
    finally:
        process.terminate()
        try:
            process.wait(5)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
