"""Turns a step of a recipe (a command with its options) into a command line for an operator. Pure."""

import re
import shlex
from collections.abc import Iterator, Mapping
from typing import Any

from tokens.recipes.schema import InvalidRecipe, Step

CREATE_CLIENT = {
    "name": "--name", "client_id": "--client-id", "grants": "--grant", "redirect_uris": "--redirect-uri",
    "allow_undotted_scheme": "--allow-undotted-scheme", "scopes": "--scope", "apis": "--api", "public": "--public",
    "method": "--auth-method", "pin_auth_method": "--pin-auth-method", "jwks": "--jwks", "jwks_uri": "--jwks-uri",
    "legacy_audience": "--legacy-audience", "pkce": "--pkce", "any_localhost_port": "--any-localhost-port",
    "skip_consent": "--skip-consent", "claims_in_id_token": "--claims-in-id-token",
    "post_logout_redirect_uris": "--post-logout-redirect-uri", "origins": "--origin",
    "rotate_refresh_tokens": "--rotate-refresh-tokens", "always_refresh_token": "--always-refresh-token",
}  # fmt: skip
CREATE_API = {
    "identifier": "--identifier", "name": "--name", "scopes": "--scope", "client": "--client",
    "algorithms": "--algorithm", "introspection_names_user": "--introspection-names-user",
    "lists_audience": "--audience-as-list", "gets_groups": "--groups-in-tokens",
    "dangerously_issues_typ_jwt": "--dangerously-issue-typ-jwt",
}  # fmt: skip
"""The command-line options by their names in a recipe, which are the `dest` names of the parser (a test compares)."""

FLAGS: Mapping[str, Mapping[str, str]] = {"create_client": CREATE_CLIENT, "create_api": CREATE_API}
WIDTH = 118
"""The most characters of a printed line, without the backslash at its end."""
PLAIN = re.compile(r"[\w@%+:,./-]+", re.ASCII)


def words(step: Step) -> list[str]:
    """Return the words of the step's command line after `manage.py`, without quoting for a shell.

    Raises InvalidRecipe if the step has an option that its command does not have.
    """
    if step.arguments:
        return [step.command, *shlex.split(step.arguments)]
    return [step.command, *(word for name, value in step.options.items() for word in _option(step, name, value))]


def _option(step: Step, name: str, value: Any) -> Iterator[str]:
    """Yield the words of one option on the command line. A list repeats the flag, and True gives the flag alone.

    Raises InvalidRecipe if the command has no such option.
    """
    flag = FLAGS[step.command].get(name)
    if flag is None:
        raise InvalidRecipe(f"{step.command} has no option {name}. Known are {', '.join(FLAGS[step.command])}")
    if isinstance(value, Mapping):
        value = [f"{key}={text}" for key, text in value.items()]
    if value is True:
        yield flag
        return
    for item in value if isinstance(value, list) else [value]:
        yield from (flag, item)


def quoted(word: str) -> str:
    """Return a word as it is typed in a shell: in double quotes if one of its characters requires quotes.

    In a word such as `name=text`, only the text is in quotes.
    """
    name, equals, text = word.partition("=")
    if PLAIN.fullmatch(word):
        return word
    escaped = re.sub(r'([\\"$`])', r"\\\1", text if equals and PLAIN.fullmatch(name) else word)
    return f'{name}="{escaped}"' if equals and PLAIN.fullmatch(name) else f'"{escaped}"'


def lines(step: Step, *, prompt: str) -> str:
    """Return the command as a page shows it, with a backslash at the end of each line but the last.

    The first line begins with `prompt`, for example `$ manage.py `. An option and its value stay on one line.
    """
    pieces: list[str] = []
    for word in words(step):
        if pieces and pieces[-1].startswith("--") and " " not in pieces[-1] and not word.startswith("--"):
            pieces[-1] += f" {quoted(word)}"
        else:
            pieces.append(quoted(word))
    rows = [prompt + pieces[0]]
    for piece in pieces[1:]:
        if len(rows[-1]) + len(piece) + 1 > WIDTH:
            rows.append(f"    {piece}")
        else:
            rows[-1] += f" {piece}"
    return " \\\n".join(rows)
