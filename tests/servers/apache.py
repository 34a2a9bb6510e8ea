"""Apache with mod_auth_openidc, configured by the code blocks of its documentation page."""

import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from tests.ports import free
from tests.servers.issuer import Issuer
from tests.servers.page import ISSUER, Page, adapted
from tests.servers.program import Clock, answers, running

PAGE = Page("mod_auth_openidc")
MODULES = (*("mpm_event", "authn_core", "authz_core", "authz_user", "headers", "proxy", "proxy_http", "auth_openidc"),)
FOLDER = Path("/usr/lib/apache2/modules")


@contextmanager
def apache(
    config: str, folder: Path, issuer: Issuer, changes: Mapping[str, object], *, clock: Clock | None = None
) -> Iterator[str]:
    """Run Apache with this configuration while the block runs, and yield its URL.

    `changes` maps each text of `config` to the text that replaces it in the test.
    """
    port = free()
    loaded = "".join(f"LoadModule {name}_module {FOLDER}/mod_{name}.so\n" for name in MODULES)
    own = f"ServerRoot {folder}\nPidFile {folder}/pid\nErrorLog {folder}/error.log\nListen 127.0.0.1:{port}\n"
    own += f"DefaultRuntimeDir {folder}\nServerName localhost\nUser www-data\nGroup www-data\n"
    own += f"OIDCCABundlePath {issuer.ca}\n"
    ports = {ISSUER: issuer.url, "*:80": f"127.0.0.1:{port}"}
    (folder / "apache.conf").write_text(loaded + own + adapted(config, {**ports, **changes}))
    command = ["apache2", "-X", "-f", folder / "apache.conf"]
    url = f"http://127.0.0.1:{port}/"
    variables = clock.variables if clock else {}
    with running(command, folder, ready=lambda: answers(url), variables=variables):
        yield url


def version() -> str:
    command = ["dpkg-query", "--show", "--showformat=${Version}", "libapache2-mod-auth-openidc"]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.partition("-")[0]
