"""A recipe, read from the text of its TOML file. Pure.

- A recipe is data: names, options of commands, blocks of text. It contains no code that Keyturn runs.
- A recipe has example values (`tokens.recipes.example`), so that its page in docs/ can show the text unchanged.
- A field that the schema does not know is an error. Otherwise a misspelled field would silently have no effect.
- Each error names the file and the field.
"""

import re
import tomllib
from collections.abc import Mapping
from dataclasses import MISSING, dataclass, field, fields
from datetime import date
from typing import Any, Literal, get_args

Kind = Literal["login", "machine", "resource server"]
NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,59}")
COMMANDS = ("create_client", "create_api", "exchange_policy")


class InvalidRecipe(Exception):
    """A recipe's file is malformed. The message names the recipe, the field and what is expected."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """A step of a recipe: a command that the operator runs at the issuer."""

    command: str
    """One of COMMANDS."""
    options: Mapping[str, Any] = field(default_factory=dict)
    """The options of create_client or create_api, by the `dest` names of the parsers (`redirect_uris`)."""
    arguments: str = ""
    """The rest of the command line, for a command other than create_client and create_api."""
    text: str = ""
    """The text of the page before the command."""
    variant: str = ""
    """The name of this variant of the client, if the program can be connected in several ways."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Passage:
    """A block of a recipe's instructions: how to configure the program.

    The heading, the text and `code` (the content of a configuration file) can each be empty.
    """

    heading: str = ""
    text: str = ""
    file: str = ""
    """The name of the file that contains `code`. Empty if `code` or `text` already makes it clear."""
    language: str = ""
    code: str = ""
    variant: str = ""
    """The variant of the client that this block configures. Empty if the block is for every variant."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Requests:
    """The requests that the recipe's program, such as JupyterHub, sends to the issuer. A test sends the same ones."""

    authentication: Literal["basic", "post", "basic then post", "post then basic", "none", "private_key_jwt"]
    grant: Literal["authorization_code", "client_credentials", "device_code", "token_exchange"] = "authorization_code"
    pkce: bool = True
    nonce: bool = False
    scope: str = ""
    """The parameter `scope` as the program sends it. Empty if the program sends no scope."""
    response_mode: Literal["query", "form_post"] = "query"
    claims: Literal["userinfo", "id_token", "none"] = "none"
    """The source from which the program reads the claims about the user."""
    needs: tuple[str, ...] = ()
    """The claims without which the program refuses the login."""
    refresh: Literal["never", "once", "parallel"] = "never"
    """`parallel`: the program can send several concurrent requests with the same refresh token."""
    logout: Literal["never", "bare", "hint", "back-channel"] = "never"
    """`hint`: the program sends the browser to the issuer with an ID token. `bare`: without an ID token."""
    audience: Literal["issuer", "token endpoint"] = "issuer"
    """The `aud` of the program's client assertions (private_key_jwt)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Verification:
    """The rules by which a recipe's resource server verifies access tokens. A test applies the same rules to tokens."""

    by: Literal["keys", "introspection", "userinfo"]
    compares: tuple[str, ...] = ()
    """What the resource server checks in addition to the signature and the expiry: any of aud, iss, typ and scope."""
    fetches: Literal["unknown kid", "age", "unknown kid or age", "key files", "never"] = "age"
    """The condition under which the resource server fetches the keys again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """A program: what is registered for it, and its configuration."""

    name: str
    title: str
    kind: Kind
    version: str
    """The version of the program with which the recipe was tried."""
    summary: str
    tests: tuple[str, ...] = ()
    """The tests that run the program. If there are none, the recipe was tried by hand on the date `tried`."""
    tried: date | None = None
    topic: str = ""
    """The group of the program in the overview."""
    needs_verified_email: bool = False
    loosens: str = ""
    """A sentence about what the program's own configuration makes less strict."""
    note: str = ""
    """The text of the page between the commands and the first block."""
    trust: str = ""
    """A text about how long the program trusts a revoked token and a revoked key."""
    cannot: tuple[str, ...] = ()
    steps: tuple[Step, ...] = ()
    blocks: tuple[Passage, ...] = ()
    requests: Requests | None = None
    verification: Verification | None = None

    def step(self, command: str, variant: str = "") -> Step | None:
        """Return the first step with this command and variant, or None. If `variant` is "", any variant matches."""
        matching = (step for step in self.steps if step.command == command and variant in ("", step.variant))
        return next(matching, None)

    @property
    def variants(self) -> tuple[str, ...]:
        """Return the names of the recipe's variants: the different ways to connect the program."""
        return tuple(step.variant for step in self.steps if step.variant)


TABLES = {"step": ("steps", Step), "block": ("blocks", Passage)}
SINGLE = {"requests": Requests, "verification": Verification}


def parse(name: str, text: str) -> Recipe:
    """Return the recipe in `text`, the content of the file `name`.toml. Raises InvalidRecipe if it is malformed."""
    if not NAME.fullmatch(name):
        raise InvalidRecipe(f"{name!r} is not a name of small letters, digits, hyphens and underscores")
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise InvalidRecipe(f"{name}: not TOML: {error}") from error
    for key, (target, kind) in TABLES.items():
        rows = document.pop(key, [])
        if not isinstance(rows, list):
            raise InvalidRecipe(f"{name}: {key} must be written as [[{key}]]")
        document[target] = tuple(_build(f"{name}: {key} {number}", kind, row) for number, row in enumerate(rows, 1))
    for key, kind in SINGLE.items():
        if key in document:
            document[key] = _build(f"{name}: {key}", kind, document[key])
    recipe: Recipe = _build(name, Recipe, {"name": name, **document})
    _require_consistency(recipe)
    return recipe


def _build(where: str, kind: Any, values: object) -> Any:
    """Return an object of the dataclass `kind`, built from the TOML table `values`.

    `where` names the table in an error text. Raises InvalidRecipe if a field is unknown, missing or of a wrong type.
    """
    if not isinstance(values, dict):
        raise InvalidRecipe(f"{where} must be a table")
    members = {member.name: member for member in fields(kind)}
    if unknown := sorted(values.keys() - members.keys()):
        raise InvalidRecipe(f"{where}: unknown field {unknown[0]}. Known are {', '.join(members)}")
    mandatory = [
        key for key, member in members.items() if member.default is MISSING and member.default_factory is MISSING
    ]
    if missing := [key for key in mandatory if key not in values]:
        raise InvalidRecipe(f"{where}: {missing[0]} is missing")
    return kind(**{key: _value(f"{where}: {key}", members[key].type, value) for key, value in values.items()})


def _value(where: str, kind: Any, value: object) -> object:
    """Return the value of a field whose declared type is `kind`. A TOML list becomes a tuple.

    `where` names the field in an error text. Raises InvalidRecipe if `value` has another type.
    """
    if choices := get_args(kind) if getattr(kind, "__origin__", None) is Literal else ():
        if value not in choices:
            raise InvalidRecipe(f"{where} must be one of: {', '.join(choices)}")
        return value
    if kind == tuple[str, ...]:
        if not (isinstance(value, list) and all(isinstance(item, str) for item in value)):
            raise InvalidRecipe(f"{where} must be a list of texts")
        return tuple(value)
    expected = PLAIN.get(kind)
    if expected is not None and type(value) is not expected:
        raise InvalidRecipe(f"{where} must be {WORDS[expected]}")
    return value


PLAIN: dict[Any, type] = {str: str, bool: bool, date | None: date, Mapping[str, Any]: dict}
WORDS = {str: "a text", bool: "true or false", date: "a date", dict: "a table"}


def _require_consistency(recipe: Recipe) -> None:
    """Raise InvalidRecipe if the parts of the recipe contradict each other."""
    kinds = {"login": "create_client", "machine": "create_client", "resource server": "create_api"}
    if bool(recipe.tests) == bool(recipe.tried):
        raise InvalidRecipe(f"{recipe.name}: name either tests that run the program, or the date on which it was tried")
    if wrong := [step.command for step in recipe.steps if step.command not in COMMANDS]:
        raise InvalidRecipe(f"{recipe.name}: unknown command {wrong[0]}. Known are {', '.join(COMMANDS)}")
    if recipe.step(kinds[recipe.kind]) is None:
        raise InvalidRecipe(f"{recipe.name}: a {recipe.kind} needs a step with {kinds[recipe.kind]}")
    if (recipe.kind == "resource server") != (recipe.requests is None):
        raise InvalidRecipe(f"{recipe.name}: a login or machine needs [requests], a resource server has none")
    if (recipe.kind == "resource server") != (recipe.verification is not None):
        raise InvalidRecipe(f"{recipe.name}: a resource server needs [verification], the others have none")
    if stray := {block.variant for block in recipe.blocks} - {"", *recipe.variants}:
        raise InvalidRecipe(f"{recipe.name}: no step has the variant {min(stray)}")
