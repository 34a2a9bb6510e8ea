"""`cleartokens`: django-oauth-toolkit's command, refused in favor of `purge_tokens`."""

from tokens.management.operator_command import Replaced


class Command(Replaced):
    """Refuses to run, and names `purge_tokens` instead."""

    help = "Not available. Use purge_tokens."
    replacement = "purge_tokens"
