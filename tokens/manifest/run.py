"""The state of one run of `apply`: its actor and time, and the changes, problems and new secrets that it collects."""

from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from django.core.exceptions import ValidationError

from tokens.audit import trail
from tokens.manifest.change import Change
from tokens.manifest.schema import Item
from tokens.manifest.tree import Fault, InvalidManifest
from tokens.registration import state


@dataclass(frozen=True, slots=True)
class NewSecret:
    """A secret that the run created. The secret cannot be read later."""

    client_id: str
    secret: str = field(repr=False)


@dataclass(slots=True, kw_only=True)
class Run:
    """The state of one run of `apply`: each part of the file adds its changes, secrets and problems."""

    actor: str
    now: datetime
    recipes: Path | None = None
    """The folder of the site's own recipes."""
    changes: list[Change] = field(default_factory=list)
    secrets: list[NewSecret] = field(default_factory=list)
    problems: list[Fault] = field(default_factory=list)

    def note(self, change: Change, subject: str, **details: object) -> None:
        """Collect a change, and record the audit event of the change, such as `client.created`.

        `subject` is the subject of the event. `details` are added to the event's details.
        """
        self.changes.append(change)
        verb = {"added": "created", "changed": "changed", "removed": "deleted"}[change.done]
        if change.done == "changed":
            texts = {name: [state.text(name, value) for value in pair] for name, pair in change.fields.items()}
            details = {**details, **texts}
        trail.record(f"{change.kind}.{verb}", actor=self.actor, subject=subject, details=details, now=self.now)

    def refuse(self, entry: Item, error: ValidationError) -> None:
        """Collect the problems of an entry, each at the line of its field."""
        short = {column: name for name, column in state.NAMES.items()} | {"client_type": "authentication"}
        by_field = error.message_dict if hasattr(error, "error_dict") else {"__all__": error.messages}
        for column, texts in by_field.items():
            name = "" if column == "__all__" else short.get(column, column)
            self.problems.append(entry.problem(name, " ".join(texts)))

    def stop_if_refused(self) -> None:
        """Raise InvalidManifest if there are problems."""
        # Otherwise, the next part would report consequences of them as further problems.
        if self.problems:
            raise InvalidManifest(*self.problems)
