"""Check the setting SESSION_PLACES, which shows the city or country of each session (tag `session_places`)."""

from typing import Any

from django.core.checks import CheckMessage, Warning, register  # noqa: A004 (Django's name)

from tokens import conf
from tokens.account import place


@register("session_places")
def check_session_places(**_: Any) -> list[CheckMessage]:
    """Return the warnings tokens.W801 and W802 if SESSION_PLACES is set but has no effect.

    W801: the database file (MMDB) that SESSION_PLACES names cannot be used. W802: sessions store no IP addresses.
    """
    settings = conf.issuer()
    path = settings.session_places
    if path is None:
        return []
    messages: list[CheckMessage] = []
    problem = place.problem(path)
    if problem:
        cause, _colon, remedy = problem.rpartition(": ")
        hint = f"{remedy[0].upper()}{remedy[1:]}, or remove SESSION_PLACES (docs/account.md)."
        messages.append(Warning(f"SESSION_PLACES: {cause}.", hint=hint, id="tokens.W801"))
    if not settings.stores_session_addresses:
        hint = "Set SESSION_ADDRESSES=true, or remove SESSION_PLACES."
        cause = "SESSION_PLACES is set, but sessions store no address, so no place is shown."
        messages.append(Warning(cause, hint=hint, id="tokens.W802"))
    return messages
