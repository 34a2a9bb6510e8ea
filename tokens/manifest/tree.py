"""Reads the text of a manifest, YAML or JSON, as nodes that have their line number. Pure.

- The text may contain plain data only. The tags, anchors and aliases of YAML are refused, because an alias can expand
  to gigabytes.
- A repeated key is refused. YAML and JSON libraries would silently use its last value.
- The text has at most TEXT characters, and its nodes are nested at most DEEP levels.
"""

import json
from dataclasses import dataclass
from typing import Any

import yaml

TEXT = 10_000_000
"""The longest text, in characters."""
DEEP = 20
"""The most levels of nested nodes."""
TAGS = {f"tag:yaml.org,2002:{name}" for name in ("str", "int", "float", "bool", "null", "map", "seq")}
MERGE = "tag:yaml.org,2002:merge"


@dataclass(frozen=True, slots=True)
class Fault:
    """A problem of a manifest: the line, the field (`clients.webapp.grants`), and a text for the operator."""

    line: int
    field: str
    text: str

    def shown(self, name: str) -> str:
        """Return the problem in the form `file:line: field: text`. `name` is the name of the file."""
        return f"{name}:{self.line}: {self.field + ': ' if self.field else ''}{self.text}"


class InvalidManifest(Exception):
    """A manifest is malformed, or has an entry that cannot be registered. Nothing was changed."""

    def __init__(self, *problems: Fault) -> None:
        super().__init__("; ".join(problem.shown("line") for problem in problems))
        self.problems = problems


@dataclass(frozen=True, slots=True)
class Node:
    """A value in a manifest, with its line in the file. The value is a dict or list of nodes, or plain data."""

    value: Any
    line: int


def parse(text: str) -> Node:
    """Return the tree of a text in YAML or JSON. Raises InvalidManifest if the text is malformed."""
    if len(text) > TEXT:
        raise InvalidManifest(Fault(1, "", f"the file has more than {TEXT} characters"))
    try:
        # YAML 1.1 does not allow tabs between tokens, as JSON does. Inside a JSON string, a tab is always escaped.
        root = yaml.compose(text.replace("\t", " ") if _is_json(text) else text, Loader=_Loader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        raise InvalidManifest(
            Fault(mark.line + 1 if mark else 1, "", " ".join(filter(None, [error.context, error.problem])))
        ) from None
    except yaml.YAMLError as error:  # a character that YAML does not allow
        raise InvalidManifest(Fault(1, "", " ".join(str(error).split()))) from None
    if root is None:
        raise InvalidManifest(Fault(1, "", "the file is empty"))
    return _node(root, root.start_mark.line + 1, "", 0)


class _Loader(yaml.SafeLoader):
    """A loader that refuses aliases before they are expanded, and nodes that are too deep."""

    level = 0

    def compose_node(self, parent: Any, index: Any) -> Any:
        """Return the next node. Raises ComposerError if it is an alias, has an anchor, or is nested too deeply."""
        event = self.peek_event()  # type: ignore[no-untyped-call]
        if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None):
            raise yaml.composer.ComposerError(None, None, "anchors and aliases are not supported", event.start_mark)
        if self.level > DEEP:
            raise yaml.composer.ComposerError(None, None, f"more than {DEEP} levels", event.start_mark)
        self.level += 1
        try:
            return super().compose_node(parent, index)
        finally:
            self.level -= 1


def _is_json(text: str) -> bool:
    if not text.lstrip().startswith("{"):
        return False
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return False
    return True


def _node(node: yaml.Node, line: int, field: str, level: int) -> Node:
    if node.tag not in TAGS and node.tag != "tag:yaml.org,2002:timestamp":
        raise InvalidManifest(Fault(node.start_mark.line + 1, field, f"{node.tag} is not supported: quote the text"))
    if isinstance(node, yaml.MappingNode):
        return Node(_mapping(node, field, level), line)
    if isinstance(node, yaml.SequenceNode):
        items = (_node(item, item.start_mark.line + 1, f"{field}[{at}]", level) for at, item in enumerate(node.value))
        return Node(list(items), line)
    return Node(_scalar(node, field), line)


def _mapping(node: yaml.MappingNode, field: str, level: int) -> dict[str, Node]:
    """Return the nodes of a YAML mapping by name.

    `field` is the place of the mapping in the file, and `level` is the depth of the mapping.

    Raises InvalidManifest if a name is not a text or is repeated, if there is a merge key, or if a value is not
    supported.
    """
    nodes: dict[str, Node] = {}
    for key, value in node.value:
        line, name = key.start_mark.line + 1, _whole(str(key.value))
        if key.tag == MERGE or not isinstance(key, yaml.ScalarNode):
            raise InvalidManifest(Fault(line, field, "a name is a text; merge keys are not supported"))
        if name in nodes:
            raise InvalidManifest(Fault(line, f"{field}.{name}".lstrip("."), f"repeats line {nodes[name].line}"))
        nodes[name] = _node(value, line, f"{field}.{name}".lstrip("."), level + 1)
    return nodes


def _scalar(node: yaml.Node, field: str) -> Any:
    """Return the value of a YAML scalar. A date stays a text.

    Raises InvalidManifest if the scalar is a malformed number.
    """
    if node.tag.endswith(":timestamp"):
        return node.value  # no field of a manifest is a date
    try:
        value = yaml.constructor.SafeConstructor().construct_object(node)
    except (ValueError, yaml.YAMLError):  # an int that Python does not read, such as 0b or one of 5,000 digits
        raise InvalidManifest(Fault(node.start_mark.line + 1, field, "not a number: quote the text")) from None
    return _whole(value) if isinstance(value, str) else value


def _whole(text: str) -> str:
    """Return `text` with each pair of surrogates joined to one character.

    JSON escapes a character beyond U+FFFF by such a pair, which YAML reads as two characters.
    """
    try:
        return text.encode("utf-16", "surrogatepass").decode("utf-16")
    except UnicodeDecodeError:  # a lone surrogate, which the schema refuses
        return text
