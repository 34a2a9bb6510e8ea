"""The fields of a manifest and their types. Reads a manifest, and reports each problem with its line. Pure.

- A field that the schema does not know is a problem. Otherwise a misspelled field would silently have no effect.
- A value of the wrong type is a problem. For example, YAML reads `name: no` as the boolean false.
- A field that the file leaves out gets its default: the file describes the whole state of an entry, not changes to it.
"""

import difflib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from tokens.manifest.field_types import TYPES, Check, is_text, is_texts
from tokens.manifest.tree import Fault, InvalidManifest, Node, parse


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """One entry of the manifest (an API, scope, client or policy): the fields that it has, each with its line."""

    path: str
    """The place of the entry in the file, such as `clients.webapp`."""
    line: int
    values: Mapping[str, Any]
    lines: Mapping[str, int]
    scopes: Mapping[str, "Item"] = field(default_factory=dict)
    """The scopes of an API by name."""

    def problem(self, name: str, text: str) -> Fault:
        """Return a problem with the field `name`, or with the whole entry if `name` is "".

        The line is that of the field, or that of the entry if the file does not have the field.
        """
        return Fault(self.lines.get(name, self.line), f"{self.path}.{name}" if name else self.path, text)


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """The content of a manifest file."""

    groups: tuple[str, ...] = ()
    """Groups of users that scopes can name."""
    apis: Mapping[str, Item] = field(default_factory=dict)
    clients: Mapping[str, Item] = field(default_factory=dict)
    exchange_policies: tuple[Item, ...] = ()


@dataclass(frozen=True, slots=True)
class Schema:
    """The fields that an API and a client may have in a manifest, each with the check of its type."""

    api: Mapping[str, Check]
    client: Mapping[str, Check]


SCOPE: Mapping[str, Check] = {"description": is_text, "groups": is_texts}
POLICY: Mapping[str, Check] = {"client": is_text, "api": is_text, "scopes": is_texts}
SECTIONS = ("groups", "apis", "clients", "exchange_policies")


def read(text: str, schema: Schema) -> Manifest:
    """Return the content of a file. Raises InvalidManifest with every problem that was found."""
    root, problems = parse(text), list[Fault]()
    sections = _mapping(root, "", problems)
    _refuse_unknown(sections, SECTIONS, "", problems)
    apis, clients = (sections.get(name, Node({}, 1)) for name in ("apis", "clients"))
    manifest = Manifest(
        groups=_groups(sections.get("groups"), problems),
        apis={name: _api(name, node, schema, problems) for name, node in _mapping(apis, "apis", problems).items()},
        clients={
            name: entry(node, f"clients.{name}", schema.client, problems)
            for name, node in _mapping(clients, "clients", problems).items()
        },
        exchange_policies=_policies(sections.get("exchange_policies"), problems),
    )
    if problems:
        raise InvalidManifest(*problems)
    return manifest


def entry(node: Node, name: str, types: Mapping[str, Check], problems: list[Fault]) -> Item:
    """Read an entry, such as a client. Adds a problem to `problems` for each unknown field and each wrong value.

    `name` is the place of the entry in the file, such as `clients.webapp`. `types` has the permitted fields, each with
    the check of its type.
    """
    fields = _mapping(node, name, problems)
    _refuse_unknown(fields, types, name, problems)
    values = {}
    for key, check in types.items():
        if (child := fields.get(key)) is None:
            continue
        value = plain(child)
        if check(value):
            values[key] = value
        else:
            problems.append(Fault(child.line, f"{name}.{key}", f"must be {TYPES[check]}"))
    return Item(path=name, line=node.line, values=values, lines={key: child.line for key, child in fields.items()})


def plain(node: Node) -> Any:
    """Return the value of a node as plain data, without the line numbers."""
    if isinstance(node.value, dict):
        return {name: plain(child) for name, child in node.value.items()}
    return [plain(child) for child in node.value] if isinstance(node.value, list) else node.value


def _api(identifier: str, node: Node, schema: Schema, problems: list[Fault]) -> Item:
    """Read an API with its scopes. Adds a problem to `problems` for each unknown, missing or wrong field."""
    name = f"apis.{identifier}"
    fields = dict(_mapping(node, name, problems))
    scopes = fields.pop("scopes", Node({}, node.line))
    api = entry(Node(fields, node.line), name, schema.api, problems)
    return Item(
        path=name,
        line=api.line,
        values=api.values,
        lines={**api.lines, "scopes": scopes.line},
        scopes={
            scope: _scope(child, f"{name}.scopes.{scope}", problems)
            for scope, child in _mapping(scopes, f"{name}.scopes", problems).items()
        },
    )


def _scope(node: Node, name: str, problems: list[Fault]) -> Item:
    """Read a scope. Adds a problem to `problems` for each unknown, missing or wrong field.

    In the file, a scope is a text (its description), or a mapping with the fields `description` and `groups`. `name` is
    the place of the scope in the file.
    """
    if is_text(node.value):
        return Item(path=name, line=node.line, values={"description": node.value}, lines={"description": node.line})
    scope = entry(node, name, SCOPE, problems)
    _require(scope, ("description",), problems)
    return scope


def _policies(node: Node | None, problems: list[Fault]) -> tuple[Item, ...]:
    """Read the exchange policies. Adds a problem to `problems` for each wrong field and for each repeated policy.

    A field is wrong if it is unknown, missing or of another type. A policy is repeated if its client and API are the
    same.
    """
    if node is None:
        return ()
    if not isinstance(node.value, list):
        problems.append(Fault(node.line, "exchange_policies", "must be a list"))
        return ()
    policies = [entry(child, f"exchange_policies[{at}]", POLICY, problems) for at, child in enumerate(node.value)]
    for policy in policies:
        _require(policy, POLICY, problems)
    pairs = [(policy.values.get("client"), policy.values.get("api")) for policy in policies]
    problems += [
        policy.problem("", "repeats a policy") for at, policy in enumerate(policies) if pairs[at] in pairs[:at]
    ]
    return tuple(policies)


def _groups(node: Node | None, problems: list[Fault]) -> tuple[str, ...]:
    value = [] if node is None else plain(node)
    if node is not None and not (is_texts(value) and all(value)):
        problems.append(Fault(node.line, "groups", f"must be {TYPES[is_texts]}"))
        return ()
    return tuple(value)


def _mapping(node: Node, name: str, problems: list[Fault]) -> Mapping[str, Node]:
    if isinstance(node.value, dict):
        return node.value
    problems.append(Fault(node.line, name, "must be a mapping of names to values"))
    return {}


def _require(item: Item, names: Any, problems: list[Fault]) -> None:
    problems += [item.problem(name, "is missing") for name in names if name not in item.lines]


def _refuse_unknown(fields: Mapping[str, Node], permitted: Any, name: str, problems: list[Fault]) -> None:
    for key, child in fields.items():
        if key not in permitted:
            close = difflib.get_close_matches(key, list(permitted), 1)
            hint = f"; did you mean {close[0]}?" if close else f"; known are {', '.join(permitted)}"
            problems.append(Fault(child.line, f"{name}.{key}".lstrip("."), f"there is no such field{hint}"))
