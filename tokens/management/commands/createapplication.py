"""`createapplication`: django-oauth-toolkit's command, refused in favor of `create_client`."""

from tokens.management.operator_command import Replaced


class Command(Replaced):
    """Refuses to run, and names `create_client` instead."""

    help = "Not available. Use create_client."
    replacement = "create_client"
