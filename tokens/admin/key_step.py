"""Changes key rings for the admin: sets the date of the switch to the next key, and revokes a key.

The functions here call the same functions as the commands `rotate_keys` and `revoke_key`, with the administrator as
actor.
"""

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext

from tokens import conf
from tokens.admin import events
from tokens.encryption import MalformedEncryptionKey
from tokens.keys.errors import KeyProblem
from tokens.keys.operation import Operation, Outcome
from tokens.keys.revocation import revoke
from tokens.keys.rotation import rotate
from tokens.keys.trust import KeyRevocation
from tokens.models.key import Ring, SigningKey
from tokens.page_text import translated

PROBLEMS = (KeyProblem, MalformedEncryptionKey)
"""Errors that the pages show to the administrator."""


def rotate_ring(request: HttpRequest, ring: Ring, *, dry_run: bool) -> Outcome:
    """Plan the key ring's switch to the next key, and return the outcome. If `dry_run` is True, change nothing.

    Raises one of PROBLEMS if the switch cannot be planned.
    """
    return rotate(_operation(request), ring.name, early=True, dry_run=dry_run)


def revoke_key(
    request: HttpRequest, key: SigningKey, *, reason: str, dry_run: bool, accept_outage: bool = False
) -> KeyRevocation:
    """Revoke the key, and return the outcome. If `dry_run` is True, change nothing.

    Raises one of PROBLEMS if the revocation is refused.
    """
    return revoke(_operation(request), key.kid, reason=reason, dry_run=dry_run, accept_outage=accept_outage)


def require(request: HttpRequest, permission: str) -> None:
    """Raise PermissionDenied unless the administrator has the permission."""
    if not request.user.has_perm(permission):
        raise PermissionDenied


def refused(request: HttpRequest, error: Exception, page: str, pk: int) -> HttpResponse:
    """Redirect to the page of the row `pk`, and show `error` there as a message. `page` is the URL name of the page."""
    messages.error(request, gettext("Nothing was changed: %(problem)s") % {"problem": translated(error)})
    return HttpResponseRedirect(reverse(page, args=[pk]))


def _operation(request: HttpRequest) -> Operation:
    """Return the arguments that each step on keys needs: settings, clock, and the administrator as the actor."""
    settings, actor = conf.issuer(), events.actor(request)
    return Operation(
        policy=settings.key_policy, encryption_keys=settings.encryption_keys(), actor=actor, now=timezone.now()
    )
