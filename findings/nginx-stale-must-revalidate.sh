#!/usr/bin/env bash
# nginx 1.22.1: `proxy_cache_use_stale` serves an expired answer although the origin sent must-revalidate.
#
# Behaviour: a JWKS with `Cache-Control: max-age=1, must-revalidate` is served from the cache (X-Cache: STALE) after it
# expired, if the origin cannot be reached. RFC 9111 section 5.2.2.2: a cache must not do so without a successful
# validation, and answers 504 if it has none. Without the directive nginx answers 502.
# One would guess that the origin's must-revalidate wins, and that a withdrawn key leaves the cache after max-age.
# Remedy: no proxy_cache_use_stale for a JWKS. (`inactive` does not help: each request for the answer starts it again.)
#
# Output seen:
#   nginx/1.22.1, at first: 200 MISS
#   origin stopped, expired: 502
#   origin stopped, expired, with proxy_cache_use_stale error: 200 STALE
#
# Needs python3 and nginx of Debian 12 (nginx-light). Traffic is on loopback. Exits with 1 if the behaviour differs.
set -euo pipefail

command -v nginx >/dev/null || apt-get install -y -qq nginx-light >/dev/null
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cat >"$work/trial.py" <<'PYTHON'
import http.client
import http.server
import pathlib
import re
import socket
import subprocess
import sys
import threading
import time

work = pathlib.Path(sys.argv[1])


class Origin(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.send_header("Cache-Control", "max-age=1, must-revalidate")
        self.send_header("Content-Length", "11")
        self.end_headers()
        self.wfile.write(b'{"keys":[]}')

    def log_message(self, *arguments):
        pass


def free():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def get(path):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    connection.request("GET", path)
    response = connection.getresponse()
    return " ".join(filter(None, [str(response.status), response.headers["X-Cache"]]))


def attempt(path):
    """Return the first answer, trying for five seconds until nginx listens."""
    for _ in range(50):
        try:
            return get(path)
        except ConnectionRefusedError:
            time.sleep(0.1)
    sys.exit("nginx does not listen.")


origin = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Origin)
threading.Thread(target=origin.serve_forever, daemon=True).start()
port = free()
at = f"http://127.0.0.1:{origin.server_address[1]}"
(work / "nginx.conf").write_text(f"""
daemon off; pid {work}/pid; error_log {work}/error.log;
events {{}}
http {{
  access_log off;
  proxy_cache_path {work}/cache keys_zone=jwks:1m;
  client_body_temp_path {work}/body; proxy_temp_path {work}/proxy;
  fastcgi_temp_path {work}/fastcgi; uwsgi_temp_path {work}/uwsgi; scgi_temp_path {work}/scgi;
  proxy_cache jwks;
  add_header X-Cache $upstream_cache_status;
  server {{
    listen 127.0.0.1:{port};
    location /plain {{ proxy_pass {at}; }}
    location /stale {{ proxy_pass {at}; proxy_cache_use_stale error; }}
  }}
}}
""")
# The directory is nginx's own only for a root user that nginx does not leave: `user root` keeps it simple.
arguments = ["nginx", "-e", f"{work}/error.log", "-p", str(work), "-c", f"{work}/nginx.conf", "-g", "user root;"]
version = re.search(r"nginx/\S+", subprocess.run(["nginx", "-v"], capture_output=True, text=True).stderr)[0]
server = subprocess.Popen(arguments)
try:
    first = [attempt("/plain"), attempt("/stale")]
    origin.shutdown()
    origin.server_close()
    time.sleep(2.1)  # max-age is 1 s
    plain, stale = get("/plain"), get("/stale")
finally:
    server.terminate()
    server.wait(10)
print(f"{version}, at first:", first[0])
print("origin stopped, expired:", plain)
print("origin stopped, expired, with proxy_cache_use_stale error:", stale)
sys.exit((first, plain, stale) != (["200 MISS", "200 MISS"], "502", "200 STALE"))
PYTHON
python3 "$work/trial.py" "$work"
