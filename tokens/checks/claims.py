"""Check the settings of claims: CLAIMS_SOURCE, CLAIMS and GROUPS_CLAIM."""

from collections.abc import Sequence
from typing import Any

from django.contrib.auth.models import Group
from django.core.checks import CheckMessage, Error, Tags, Warning, register  # noqa: A004 (Django's name)
from django.db import DatabaseError

from tokens import conf
from tokens.claims import hook, source
from tokens.models import Scope

LARGEST = 4096
"""The greatest length of the names of all chosen groups together. APIs refuse tokens of more than 8 KiB."""


@register()
def check_claims(**_: Any) -> list[CheckMessage]:
    """Return E205 for an unusable CLAIMS_SOURCE, E206 for an unusable CLAIMS, and W209 for too many groups."""
    settings = conf.issuer()
    messages: list[CheckMessage] = [
        Error(f"CLAIMS_SOURCE: {claim} {problem}", hint="See docs/claims.md.", id="tokens.E205")
        for claim, entry in settings.claims_source.items()
        if (problem := source.problem(claim, entry))
    ]
    if settings.claims_hook and (problem := hook.problem(settings.claims_hook)):
        hint = "Set CLAIMS to the dotted path of a function, or to nothing (docs/claims.md)."
        messages.append(Error(f"CLAIMS: {settings.claims_hook} {problem}.", hint=hint, id="tokens.E206"))
    if sum(map(len, settings.groups_claim)) > LARGEST:
        hint = "Choose fewer groups, or let APIs and clients read them from a service of yours."
        messages.append(
            Warning("A user in all groups of GROUPS_CLAIM gets too large tokens.", hint=hint, id="tokens.W209")
        )
    return messages


@register(Tags.database)
def check_groups(*, databases: Sequence[str] | None = None, **_: Any) -> list[CheckMessage]:
    """Return warnings tokens.W207 and W208: a group that does not exist, and an API's scope with the name `groups`."""
    if not databases or not conf.issuer().groups_claim:
        return []
    try:
        return _groups(conf.issuer().groups_claim)
    except DatabaseError:
        return []  # other checks and /readyz report a missing migration or database


def _groups(chosen: Sequence[str]) -> list[CheckMessage]:
    """Return W207 for each group in `chosen` that does not exist, and W208 if a scope of an API is named `groups`."""
    missing = set(chosen) - set(Group.objects.filter(name__in=chosen).values_list("name", flat=True))
    messages: list[CheckMessage] = [
        Warning(
            f"GROUPS_CLAIM names {name}, which is no group.", hint="Create the group or correct it.", id="tokens.W207"
        )
        for name in sorted(missing)
    ]
    if Scope.objects.filter(name="groups").exists():
        text = "A scope of an API has the name groups, which GROUPS_CLAIM gives another meaning."
        messages.append(Warning(text, hint="Rename the scope of the API.", id="tokens.W208"))
    return messages
