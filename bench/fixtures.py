"""The clients, APIs and users that a benchmark registers at an issuer.

The issuer of this build and those of earlier builds run this same code.
"""

REGISTER = """
import json
from datetime import timedelta
from django.db import transaction
from django.utils import timezone
from tokens.models import Api, AuthorizationCode, Client, Scope, User
try:
    from tokens.issued import one_time, refresh_token, user_grant
    from tokens.issued.audience import Target
    from tokens.issued.login import Login
except ImportError:  # a build of 2026-11-25 or before
    from tokens.oauth import grant_record as user_grant, one_time, refresh_token
    from tokens.oauth.audience import Target
    from tokens.oauth.login_session import Login
given, now = json.loads({given!r}), timezone.now()
EXCHANGE = "urn:ietf:params:oauth:grant-type:token-exchange"
api = Api.objects.get(identifier="https://api.example/")
scope = Scope.objects.get(name="notes:read")
service = Client.objects.get(client_id="service")
service.grants = ["client_credentials", EXCHANGE]
service.save()
api.client = service
api.save()
target_api = Api.objects.create(identifier="https://next.example/", name="Next")
next_scope = Scope.objects.create(name="next:read", description="Read", api=target_api)
service.exchange_policies.create(api=target_api).scopes.add(next_scope)
own = Client.objects.create(client_id="own", name="Own", token_endpoint_auth_method="private_key_jwt",
    client_jwks=given["jwks"], grants=["client_credentials"])
own.scopes.add(scope)
app = Client.objects.create(client_id="app", name="App", client_type="public", token_endpoint_auth_method="none",
    grants=["authorization_code", "refresh_token"], redirect_uris=given["callback"])
app.scopes.add(scope)
users = [User.objects.create_user("user-" + str(number)) for number in range(given["users"])]
wanted = Target(api.identifier, ("notes:read", "offline_access"), api)
login = Login(at=now, acr="", amr=("pwd",))

def allowed(number):
    return user_grant.create(users[number % len(users)], app, wanted, login, now=now, lasts=timedelta(days=1))

with transaction.atomic():
    for number in range(given["codes"]):
        AuthorizationCode.objects.create(digest=one_time.digest("code-" + str(number)), grant=allowed(number),
            redirect_uri=given["callback"], code_challenge=given["challenge"], nonce="",
            expires_at=now + timedelta(days=1))
    refreshing = [refresh_token.create(allowed(number), app, now=now) for number in range(given["users"])]
print(json.dumps(refreshing))
"""
"""Code that registers APIs, clients, users and codes, and prints one refresh token of each user, as JSON."""

FAST_RING = """
from datetime import timedelta
from unittest import mock
from django.core.management import call_command
from django.db import connection
from django.utils import timezone
from tokens.keys import store
from tokens.models import Api, Client, Ring, Scope
# The first key of a further ring signs a day after it was announced. The triggers would refuse dates of the past.
announced = timezone.now() - timedelta(days=4)
connection.cursor().execute("SET session_replication_role = replica")
with mock.patch.object(store, "database_now", lambda: announced), mock.patch.object(timezone, "now", lambda: announced):
    call_command("rotate_keys", "--ring", "fast", "--algorithm", "ES256")
api = Api.objects.create(identifier="https://fast.example/", name="Fast", algorithms=["RS256", "ES256"])
moved = announced + timedelta(days=3)
Api.objects.filter(pk=api.pk).update(ring=Ring.objects.get(name="fast"), moves_at=moved)
connection.cursor().execute("SET session_replication_role = DEFAULT")
scope = Scope.objects.create(name="fast:read", description="Read", api=api)
Client.objects.get(client_id="service").scopes.add(scope)
"""
"""Code that adds an API whose tokens are signed by ES256, and gives the client `service` its scope `fast:read`.

It runs in this build only.
"""

WEB = """
import json
from datetime import timedelta
from django.utils import timezone
from tokens.clients import client_secret
from tokens.issued import refresh_token, user_grant
from tokens.issued.audience import Target
from tokens.issued.login import Login
from tokens.models import Api, Client, Scope, User
now, lasts = timezone.now(), timedelta(days=1)
api = Api.objects.get(identifier="https://api.example/")
web = Client.objects.create(client_id="web", name="Web", token_endpoint_auth_method="client_secret_basic",
    grants=["authorization_code", "refresh_token"], redirect_uris="https://client.example/callback")
web.scopes.add(Scope.objects.get(name="notes:read"))
target = Target(api.identifier, ("notes:read", "offline_access"), api)
login, user = Login(at=now, acr="", amr=("pwd",)), User.objects.create_user("web-user")
grant = user_grant.create(user, web, target, login, now=now, lasts=lasts)
print(json.dumps([client_secret.create(web, now=now), refresh_token.create(grant, web, now=now)]))
"""
"""Code that adds the confidential client `web`, and prints its secret and a refresh token that does not rotate.

It runs in this build only.
"""
