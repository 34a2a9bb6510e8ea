"""What the issuers of a benchmark have registered. It runs in this build and in earlier ones."""

REGISTER = """
import json
from datetime import timedelta
from django.db import connection, transaction
from django.utils import timezone
from tokens.models import Api, AuthorizationCode, Client, Scope, User
from tokens.models.key import Ring
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
fast = Api.objects.create(identifier="https://fast.example/", name="Fast", algorithms=["RS256", "ES256"])
fast_scope = Scope.objects.create(name="fast:read", description="Read", api=fast)
# The move is over since yesterday: its waiting times are not what is measured. A trigger would refuse the date.
connection.cursor().execute("SET session_replication_role = replica")
Api.objects.filter(pk=fast.pk).update(ring=Ring.objects.get(name="fast"), moves_at=now - timedelta(days=1))
connection.cursor().execute("SET session_replication_role = DEFAULT")
service = Client.objects.get(client_id="service")
service.grants = ["client_credentials", EXCHANGE]
service.save()
service.scopes.add(fast_scope)
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
"""Prints the first refresh token of each user's family, as JSON."""
