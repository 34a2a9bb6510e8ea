"""One difference between a manifest and the database, as data, as text, and for the audit trail. Pure."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

SIGNS = {"added": "+", "changed": "~", "removed": "-"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """A row that was added, changed or removed, with its fields before and after."""

    kind: str
    """client, api, scope, exchange_policy or group."""
    name: str
    done: str
    """added, changed or removed."""
    fields: Mapping[str, tuple[Any, Any]] = field(default_factory=dict)

    def lines(self) -> Iterator[str]:
        """Yield the change as lines of text."""
        yield f"{SIGNS[self.done]} {self.kind} {self.name}"
        for name, (before, after) in self.fields.items():
            yield (
                f"    {name}: {_shown(after)}"
                if self.done == "added"
                else (f"    {name}: {_shown(before)} -> {_shown(after)}")
            )

    def as_dict(self) -> dict[str, Any]:
        """Return the change as a dict that can be written as JSON."""
        fields = {name: list(values) for name, values in self.fields.items()}
        return {"kind": self.kind, "name": self.name, "change": self.done, "fields": fields}


def _shown(value: Any) -> str:
    if isinstance(value, tuple | list):
        return f"[{', '.join(map(str, value))}]"
    if isinstance(value, bool):
        return str(value).lower()
    return "(none)" if value in (None, "") else str(value)
