"""Runs Dovecot as docs/resource-servers/dovecot.md configures it, and logs in by IMAP with a token."""

import base64
import socket
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.ports import free
from tests.servers.issuer import Issuer
from tests.servers.page import ISSUER, Page, adapted
from tests.servers.program import running

PAGE = Page("dovecot")
BUNDLE = "/etc/ssl/certs/ca-certificates.crt"
# Without the delays that slow down one who guesses passwords: the tests present many bad tokens.
OWN = """
protocols = imap
listen = 127.0.0.1
ssl = no
disable_plaintext_auth = no
base_dir = {folder}/run
state_dir = {folder}/state
log_path = {folder}/dovecot.log
mail_location = maildir:{folder}/mail/%u
first_valid_uid = 1
auth_failure_delay = 0
service imap-login {{
  chroot =
  inet_listener imap {{
    port = {port}
  }}
  inet_listener imaps {{
    port = 0
  }}
}}
service anvil {{
  chroot =
  unix_listener anvil-auth-penalty {{
    mode = 0
  }}
}}
"""


@dataclass(frozen=True, slots=True)
class Dovecot:
    """A running Dovecot. `folder` has its files, which the system users of Dovecot can read."""

    folder: Path
    port: int

    @property
    def keys(self) -> Path:
        """Return the folder in which Dovecot finds the files with the issuer's public keys."""
        return self.folder / "keys" / "default" / "RS256"

    def log_in(self, user: str, token: str | None) -> str:
        """Log in with OAUTHBEARER (RFC 7628), and return "OK" or "NO".

        If the response has a code that begins with "[UN", the result contains the code, as in "NO [UNAVAILABLE]".
        """
        message = f"n,a={user},\x01auth=Bearer {token}\x01\x01" if token is not None else "n,,\x01\x01"
        with socket.create_connection(("127.0.0.1", self.port), timeout=120) as connection:
            stream = connection.makefile("rwb")
            stream.readline()
            initial = base64.b64encode(message.encode()).decode()
            stream.write(f"a AUTHENTICATE OAUTHBEARER {initial}\r\n".encode())
            stream.flush()
            while not (line := stream.readline().decode()).startswith("a "):
                if line.startswith("+"):  # the error as JSON, which the client answers (RFC 7628 section 3.2.3)
                    stream.write(b"AQ==\r\n")
                    stream.flush()
            words = line.split()
            return " ".join(word for word in words[1:3] if word in ("OK", "NO") or word.startswith("[UN"))

    def reload(self) -> None:
        """Make Dovecot read its configuration again (`doveadm reload`)."""
        subprocess.run(["doveadm", "-c", self.folder / "dovecot.conf", "reload"], check=True)


@contextmanager
def dovecot(oauth2: str, issuer: Issuer, changes: Mapping[str, object]) -> Iterator[Dovecot]:
    """Run Dovecot while the block runs, with the text `oauth2` as its file dovecot-oauth2.conf.ext.

    `changes` maps texts in `oauth2` to the texts that the test uses instead.
    """
    with TemporaryDirectory(prefix="keyturn-dovecot-") as name:
        made = Dovecot(Path(name), free())
        made.folder.chmod(0o755)
        made.keys.mkdir(parents=True)
        (made.folder / "mail").mkdir(mode=0o777)
        (made.folder / "mail").chmod(0o777)
        extension = made.folder / "dovecot-oauth2.conf.ext"
        extension.write_text(adapted(oauth2, {ISSUER: issuer.url, **changes}).replace("/etc/dovecot", name))
        config = adapted(
            PAGE.block("conf"),
            {
                "/etc/dovecot/dovecot-oauth2.conf.ext": extension,
                "uid=vmail gid=vmail home=/var/vmail/%u": f"uid=nobody gid=nogroup home={name}/mail/%u",
            },
        )
        (made.folder / "dovecot.conf").write_text(config + OWN.format(folder=name, port=made.port))
        command = ["dovecot", "-F", "-c", made.folder / "dovecot.conf"]
        with running(command, made.folder, ready=lambda: listens(made.port)):
            yield made


def listens(port: int) -> bool:
    """Return True if a mail server on the port sends a greeting."""
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=5) as connection:
            return connection.recv(4) == b"* OK"
    except OSError:
        return False


def version() -> str:
    done = subprocess.run(["dovecot", "--version"], capture_output=True, text=True, check=True)
    return done.stdout.split()[0]
