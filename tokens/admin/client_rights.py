"""Checks if an administrator may give special rights to a client (tokens/registration/delegation.py).

If the administrator lacks the permission for a right, the form shows an error at the field of that right.
"""

from collections.abc import Callable, Sequence

from django.core.exceptions import ValidationError
from django.http import HttpRequest
from django.utils.translation import gettext, gettext_lazy

from tokens import conf
from tokens.models import Client
from tokens.registration import delegation
from tokens.registration.client import Registration
from tokens.registration.delegation import Rights

HasPermission = Callable[[str], bool]
REFUSALS = {
    delegation.FIRST_PARTY: gettext_lazy("You may not register clients that never ask users for consent."),
    delegation.JWT_BEARER: gettext_lazy("You may not register clients that act for users (JWT bearer)."),
    delegation.EXCHANGE: gettext_lazy("You may not register clients that exchange users' tokens."),
    delegation.REDIRECT: gettext_lazy("You may register only redirect URIs of the allow-list (REDIRECT_ALLOW_LIST)."),
}


def may_change(request: HttpRequest, client: Client) -> bool:
    """Return True if the administrator may give all special rights that the client, as it is stored, has."""
    stored = Client.objects.filter(pk=client.pk).first() or client  # a form has changed `client` already
    return not refusals(rights_of(stored), request.user.has_perm)


def rights_of(client: Client) -> Rights:
    """Return the special rights that this client has."""
    addresses = (*client.redirect_uris.split(), *client.post_logout_redirect_uris.split())
    return Rights(skips_consent=client.skip_authorization, grants=client.grants, redirect_uris=addresses)


def refuse(registration: Registration, has_perm: HasPermission) -> None:
    """Raise ValidationError if a new client would have a right for which the administrator lacks a permission."""
    policy = registration.policy
    rights = Rights(
        skips_consent=bool(policy.get("skip_authorization")),
        grants=registration.grants,
        redirect_uris=(*registration.redirect_uris, *policy.get("post_logout_redirect_uris", "").split()),
    )
    if errors := refusals(rights, has_perm):
        raise ValidationError(dict(errors))


def refusals(rights: Rights, has_perm: HasPermission) -> Sequence[tuple[str, str]]:
    """Return a form field and an error message for each permission that `rights` need and the administrator lacks."""
    needed = delegation.required(rights, allowed=conf.issuer().redirect_allow_list)
    return [(field, gettext(str(REFUSALS[name]))) for name, field in needed.items() if not has_perm(name)]
