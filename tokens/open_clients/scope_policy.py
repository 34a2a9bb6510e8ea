"""Sets the scopes and APIs of a self-registered client to those of the settings.

- `apply` gives the client the scopes and APIs of the settings. It runs when the client is registered,
  and each time its registration changes. It does not run when the settings change.
- So each request is also judged by the current settings (`Client.permitted_scopes`). A scope that was removed from the
  settings is refused at once, also for refresh tokens, although the client's row still has it.
"""

from tokens import conf
from tokens.issued import audience
from tokens.models import Api, Client, Scope


def apply(client: Client) -> bool:
    """Give the client the scopes and APIs that the settings permit. Returns False if the client has them already."""
    policy = conf.issuer().open_clients
    scopes, apis = Scope.objects.filter(name__in=policy.scopes), Api.objects.filter(identifier__in=policy.apis)
    if set(scopes) == set(client.scopes.all()) and set(apis) == set(client.apis.all()):
        return False
    client.scopes.set(scopes)
    client.apis.set(apis)
    return True


def granted_scopes(client: Client) -> str:
    """Return the scopes that the client may request, separated by spaces, for the member `scope` of an answer."""
    names = [*audience.offered(), *sorted(scope.name for scope in client.permitted_scopes)]
    return " ".join(name for name in names if name != "offline_access" or "refresh_token" in client.grants)
