"""Give a self-registered client what the settings allow, and nothing else.

- `apply` gives the client the scopes and APIs of the settings. It runs at the registration and with each change.
- `refuse_beyond` compares a request with the settings of this moment: a scope that was removed from them is refused at
  once, although the client's row still has it.
"""

from tokens import conf
from tokens.errors import OAuthError
from tokens.issued.audience import OPENID, Target
from tokens.models import Api, Client, Scope


def apply(client: Client) -> bool:
    """Give the client the scopes and APIs of the settings. Returns False if it has them already."""
    policy = conf.issuer().open_clients
    scopes, apis = Scope.objects.filter(name__in=policy.scopes), Api.objects.filter(identifier__in=policy.apis)
    if set(scopes) == set(client.scopes.all()) and set(apis) == set(client.apis.all()):
        return False
    client.scopes.set(scopes)
    client.apis.set(apis)
    return True


def refuse_beyond(client: Client, target: Target) -> None:
    """Raise OAuthError if a self-registered client requests what the settings do not allow."""
    if client.registered_by is None:
        return
    policy = conf.issuer().open_clients
    own = set(target.scopes) - OPENID.keys()
    if not own <= policy.scopes:
        raise OAuthError("invalid_scope", "A scope is not open to clients that registered themselves.")
    if target.api is not None and not own and target.api.identifier not in policy.apis:
        raise OAuthError("invalid_target", "The resource is not open to clients that registered themselves.")


def granted_scopes(client: Client) -> str:
    """Return the scopes that the client may request, as the `scope` member of its registration."""
    names = [*OPENID, *client.scopes.order_by("name").values_list("name", flat=True)]
    return " ".join(name for name in names if name != "offline_access" or "refresh_token" in client.grants)
