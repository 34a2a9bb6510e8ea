#!/usr/bin/env bash
# mod_auth_openidc 2.4.12.3 of Debian 12: the answer about a token of more than 509 characters is never cached.
#
# Behaviour: with introspection (RFC 7662), the module keeps each answer in its cache under "a:" and the token. The
# default cache, shared memory, refuses keys of 512 bytes or more. A longer token, such as most JWTs, is accepted, but
# the issuer is asked about it at each request, in spite of OIDCOAuthTokenIntrospectionInterval. The error log gets four
# lines each time. Issue 388 of the project has the message.
# One would guess that the interval holds for tokens of any length, as it does for short opaque tokens in a trial.
# Remedy: OIDCCacheEncrypt On, with an OIDCCryptoPassphrase. The module then hashes the token for the key.
#
# Output seen:
#   mod_auth_openidc 2.4.12.3
#   token of 509 characters: 4 requests 200, introspections 1, lines in the log 0
#   token of 510 characters: 4 requests 200, introspections 4, lines in the log 16
#   token of 510 characters, with the remedy: 4 requests 200, introspections 1, lines in the log 0
#
# Needs python3, openssl, and apache2 and libapache2-mod-auth-openidc of Debian 12. Traffic is on loopback. Exits with 1
# if the behaviour differs.
set -euo pipefail

module=/usr/lib/apache2/modules/mod_auth_openidc.so
[ -e "$module" ] || apt-get install -y -qq libapache2-mod-auth-openidc >/dev/null
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
chmod 755 "$work"
openssl req -x509 -newkey rsa:2048 -nodes -days 1 -subj /CN=localhost \
    -keyout "$work/key.pem" -out "$work/certificate.pem" 2>/dev/null
cat >"$work/trial.py" <<'PYTHON'
import http.client
import http.server
import json
import pathlib
import socket
import ssl
import subprocess
import sys
import threading
import time

work = pathlib.Path(sys.argv[1])
introspections = []


class Issuer(http.server.BaseHTTPRequestHandler):
    """Answer each introspection request, and count it."""

    def do_POST(self):
        self.rfile.read(int(self.headers["Content-Length"]))
        introspections.append(self.path)
        body = json.dumps({"active": True, "sub": "user", "exp": int(time.time()) + 300}).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *arguments):
        pass


def free():
    """Return a free port."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def get(port, token):
    """Return the status of a request with the token, trying for ten seconds until Apache listens."""
    for _ in range(100):
        try:
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
            connection.request("GET", "/", headers={"Authorization": f"Bearer {token}"})
            return connection.getresponse().status
        except ConnectionRefusedError:
            time.sleep(0.1)
    sys.exit("Apache does not listen.")


def outcome(label, token, *lines):
    """Start Apache with these lines in its configuration, send the token four times, and return what became of it."""
    port, log = free(), work / "error.log"
    log.unlink(missing_ok=True)
    introspections.clear()
    names = ("mpm_event", "authn_core", "authz_core", "authz_user", "dir", "auth_openidc")
    modules = [f"LoadModule {name}_module /usr/lib/apache2/modules/mod_{name}.so" for name in names]
    first = "\n".join([*modules, *lines])
    (work / "apache.conf").write_text(f"""
{first}
ServerRoot {work}
DefaultRuntimeDir {work}
PidFile {work}/pid
ErrorLog {log}
ServerName localhost
User www-data
Group www-data
Listen 127.0.0.1:{port}
DocumentRoot {work}/site
DirectoryIndex index.txt
OIDCOAuthSSLValidateServer Off
OIDCOAuthIntrospectionEndpoint https://127.0.0.1:{issuer.server_address[1]}/introspect
OIDCOAuthClientID api
OIDCOAuthClientSecret secret
OIDCOAuthRemoteUserClaim sub
OIDCOAuthTokenIntrospectionInterval 60
<Location />
  AuthType oauth20
  Require valid-user
</Location>
""")
    server = subprocess.Popen(["apache2", "-X", "-f", work / "apache.conf"])
    try:
        statuses = {get(port, token) for _ in range(4)}
    finally:
        server.terminate()
        server.wait(10)
    assert statuses == {200}, statuses
    seen = len(introspections), log.read_text().count(" oidc_cache_")
    print("{}: 4 requests 200, introspections {}, lines in the log {}".format(label, *seen))
    return seen


(work / "site").mkdir()
(work / "site" / "index.txt").write_text("the site")
issuer = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Issuer)
tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
tls.load_cert_chain(work / "certificate.pem", work / "key.pem")
issuer.socket = tls.wrap_socket(issuer.socket, server_side=True)
threading.Thread(target=issuer.serve_forever, daemon=True).start()
package = ["dpkg-query", "--show", "--showformat=${Version}", "libapache2-mod-auth-openidc"]
print("mod_auth_openidc", subprocess.run(package, capture_output=True, text=True, check=True).stdout.partition("-")[0])
seen = [
    outcome("token of 509 characters", "a" * 509),
    outcome("token of 510 characters", "a" * 510),
    outcome("token of 510 characters, with the remedy", "a" * 510, "OIDCCacheEncrypt On", "OIDCCryptoPassphrase trial"),
]
if seen != [(1, 0), (4, 16), (1, 0)]:
    sys.exit("The behaviour has changed.")
PYTHON
timeout 60 python3 "$work/trial.py" "$work"
