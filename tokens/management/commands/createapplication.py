"""`createapplication`: the toolkit's; `create_client` is ours."""

from tokens.management.arguments import Replaced


class Command(Replaced):
    """Refuses."""

    help = "Not here: use create_client."
    ours = "create_client"
