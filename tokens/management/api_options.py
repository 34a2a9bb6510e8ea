"""Adds the options of `create_api`, and returns the API that they describe."""

from argparse import ArgumentParser, ArgumentTypeError
from typing import Any

from tokens.jose.key_format import ALGORITHMS
from tokens.management import recipe_options
from tokens.management.arguments import find_client, seconds
from tokens.registration.api import SWITCHES
from tokens.registration.client import Registration
from tokens.registration.result import NewApi


def add(parser: ArgumentParser) -> None:
    """Add the options of `create_api` to `parser`."""
    recipe_options.add(parser, example="rabbitmq")
    parser.add_argument(
        "--identifier", metavar="URI", help="the aud of the API's tokens; see below; required without --for"
    )
    parser.add_argument("--name", help="shown to users on the consent page; required without --for")
    parser.add_argument(
        "--scope", action="append", default=[], type=scope, metavar="NAME=DESCRIPTION", dest="scopes",
        help="a scope, and its description for users; can be repeated",
    )  # fmt: skip
    parser.add_argument(
        "--max-token-lifetime",
        type=seconds,
        metavar="SECONDS",
        help="longest lifetime of an access token for this API",
    )
    parser.add_argument(
        "--client", metavar="CLIENT_ID", help="the client with which the API authenticates at the issuer"
    )
    parser.add_argument(
        "--algorithm", action="append", choices=ALGORITHMS, metavar="ALGORITHM", dest="algorithms",
        help=f"a signature algorithm that the API accepts: {', '.join(ALGORITHMS)}; can be repeated; default:"
        " that of the default ring",
    )  # fmt: skip
    parser.add_argument(
        "--limit-scope", action="append", default=[], type=limit, metavar="NAME=GROUP", dest="limits",
        help="give the scope only to users in this group; can be repeated",
    )  # fmt: skip
    _add_switches(parser)
    parser.add_argument("--json", action="store_true", help="print one JSON object")


def _add_switches(parser: ArgumentParser) -> None:
    """Add the options that change introspection and tokens, for software that cannot use the defaults."""
    parser.add_argument(
        "--introspection-names-user", action="store_true",
        help="introspection tells the client of this API the user's username and verified e-mail address; for"
        " software that finds its users by name, such as Dovecot and django-oauth-toolkit",
    )  # fmt: skip
    parser.add_argument(
        "--audience-as-list", action="store_true", dest="lists_audience",
        help="write aud as a list with one entry, for a verifier that cannot read a string",
    )  # fmt: skip
    parser.add_argument(
        "--groups-in-tokens", action="store_true", dest="gets_groups",
        help="put the user's groups (GROUPS_CLAIM) into access tokens if the user granted the scope groups",
    )  # fmt: skip
    parser.add_argument(
        "--dangerously-issue-typ-jwt", action="store_true", dest="dangerously_issues_typ_jwt",
        help="sign tokens with the typ JWT instead of at+jwt; only for a verifier that refuses at+jwt (Dovecot's"
        " local validation) and compares aud, because ID tokens have this type, too; Keyturn's own resources"
        " refuse such tokens unless DANGEROUSLY_ACCEPT_TYP_JWT is set",
    )  # fmt: skip


def api(options: dict[str, Any], *, own_client: Registration | None) -> NewApi:
    """Return the API that the options describe. `own_client` is a client to register together with the API, or None.

    Raises CommandError if the options name a client that does not exist.
    """
    is_linked = own_client is None and options["client"] is not None
    return NewApi(
        identifier=options["identifier"],
        name=options["name"],
        scopes=dict(options["scopes"]),
        limits=options["limits"],
        max_token_lifetime=options["max_token_lifetime"],
        algorithms=options["algorithms"] or (),
        switches={name: options[name] for name in SWITCHES},
        client=find_client(options["client"]) if is_linked else None,
        own_client=own_client,
    )


def limit(text: str) -> tuple[str, str]:
    """Parse `SCOPE=GROUP` into a scope and a group. Only users in the group can get the scope.

    Raises ArgumentTypeError if the scope or the group is missing.
    """
    name, _, group = text.partition("=")
    if not (name and group.strip()):
        raise ArgumentTypeError(f"{text!r} is not like reports:read=Accounting")
    return name, group.strip()


def scope(text: str) -> tuple[str, str]:
    """Parse `SCOPE=DESCRIPTION` into a scope and its description.

    Raises ArgumentTypeError if the description is missing.
    """
    name, equals, description = text.partition("=")
    if not (equals and description.strip()):
        raise ArgumentTypeError(f"{text!r} has no description for users: --scope {name or 'NAME'}=DESCRIPTION")
    return name, description.strip()
