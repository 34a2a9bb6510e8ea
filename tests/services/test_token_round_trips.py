"""One access token takes one statement at PostgreSQL and one command at Redis."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.services.conftest import Issuer
from tests.services.redis_server import RedisServer

pytestmark = pytest.mark.services
SCRIPT = """
import io, json
from base64 import b64encode
import redis
from django.conf import settings
from django.utils import timezone
from project.postgresql.connection import Connection
from project.wsgi import application
from tokens.clients import client_secret
from tokens.models import Api, Client, Scope
api = Api.objects.create(identifier="https://api.example/", name="API")
scope = Scope.objects.create(name="notes:read", description="Read", api=api)
service = Client.objects.create(client_id="service", name="S", grants=["client_credentials"],
    token_endpoint_auth_method="client_secret_basic")
service.scopes.add(scope)
secret = client_secret.create(service, now=timezone.now())
waits, wait = [], Connection.wait
Connection.wait = lambda self, *rest, **more: waits.append(self) or wait(self, *rest, **more)
server = redis.Redis.from_url(settings.CACHES["default"]["LOCATION"])
body = b"grant_type=client_credentials&scope=notes:read"

def commands():
    answered = server.info("commandstats").items()
    return {name.removeprefix("cmdstat_"): used["calls"] for name, used in answered if name != "cmdstat_info"}

def token(secret):
    environ = {"REQUEST_METHOD": "POST", "PATH_INFO": "/oauth/token", "SCRIPT_NAME": "", "QUERY_STRING": "",
        "SERVER_NAME": "localhost", "SERVER_PORT": "80", "HTTP_HOST": "localhost", "REMOTE_ADDR": "127.0.0.1",
        "CONTENT_TYPE": "application/x-www-form-urlencoded", "CONTENT_LENGTH": str(len(body)),
        "HTTP_AUTHORIZATION": "Basic " + b64encode(f"service:{secret}".encode()).decode(),
        "wsgi.input": io.BytesIO(body), "wsgi.url_scheme": "http", "wsgi.errors": io.StringIO(),
        "wsgi.multithread": True, "wsgi.multiprocess": True, "wsgi.run_once": False, "wsgi.version": (1, 0)}
    status = []
    answer = application(environ, lambda line, headers: status.append(line))
    b"".join(answer)
    answer.close()
    return status[0]

def counted(number):
    del waits[:]
    before = commands()
    answers = {token(secret) for _ in range(number)}
    after = commands()
    used = {name: calls - before.get(name, 0) for name, calls in after.items() if calls != before.get(name, 0)}
    return {"answers": sorted(answers), "statements": len(waits), "commands": used}

token(secret), token(secret)
print(json.dumps(counted(10)))
"""


@pytest.fixture
def redis(tmp_path: Path) -> Iterator[RedisServer]:
    server = RedisServer(tmp_path)
    yield server
    server.close()


def test_a_token_takes_one_statement_and_one_command(issuer: Issuer, redis: RedisServer) -> None:
    issuer.variables["CACHE_URL"] = redis.url
    issuer.run("rotate_keys")
    printed = json.loads(issuer.run("shell", "-v", "0", "--no-imports", "-c", SCRIPT).splitlines()[-1])
    assert printed == {"answers": ["200 OK"], "statements": 10, "commands": {"incrby": 10}}
