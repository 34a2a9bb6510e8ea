"""`cleartokens`: the toolkit's; `purge_tokens` is ours."""

from tokens.management.arguments import Replaced


class Command(Replaced):
    """Refuses."""

    help = "Not here: use purge_tokens."
    ours = "purge_tokens"
