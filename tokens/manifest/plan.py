"""Applies a manifest in one transaction, under the lock of the registry.

1. Groups, APIs and scopes are applied first, then clients, then the clients of APIs, then exchange policies. Each part
   refers only to rows of earlier parts.
2. With `prune`, rows that the file does not name are deleted.
3. If the manifest has a problem, every change is rolled back. A dry run applies the same rules and constraints, and is
   rolled back at its end.
4. If a row already equals its entry in the manifest, nothing is written and no event is recorded. So a second run
   changes nothing.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from tokens import registry_lock
from tokens.manifest import api_part, client_part, policy_part, prune
from tokens.manifest.change import Change
from tokens.manifest.field_types import Check, is_flag, is_keys, is_seconds, is_text, is_texts, is_words
from tokens.manifest.run import NewSecret, Run
from tokens.manifest.schema import Manifest, Schema
from tokens.registration import state
from tokens.registration.api import SWITCHES

CLIENT: dict[str, Check] = {
    **dict.fromkeys(("kind", "recipe", "site", "program", *state.TEXTS), is_text),
    **dict.fromkeys(state.FLAGS, is_flag),
    **dict.fromkeys(state.LISTS, is_texts),
    **dict.fromkeys(state.WORDS, is_words),
    **dict.fromkeys(state.SECONDS, is_seconds),
    "jwks": is_keys,
}
API: dict[str, Check] = {
    **dict.fromkeys(("name", "client", "ring"), is_text),
    "algorithms": is_texts,
    "max_token_lifetime": is_seconds,
    **dict.fromkeys(SWITCHES, is_flag),
}
SCHEMA = Schema(api=API, client=CLIENT)
"""The fields that a manifest can have."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ApplyRequest:
    """The arguments of a run of `apply`: the file's content, and the operator's options."""

    manifest: Manifest
    actor: str
    now: datetime
    recipes: Path | None = None
    """The folder of the site's own recipes (setting RECIPES)."""
    prune: bool = False
    """True to delete the rows that the file does not name."""
    dry_run: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Applied:
    """The result of a run: changes and new secrets. The changes of a dry run were rolled back."""

    changes: Sequence[Change]
    secrets: Sequence[NewSecret] = field(repr=False)
    """New secrets. Empty after a dry run."""
    unlisted: Sequence[Change]
    """Rows that the file does not name, and that `prune` would delete. Empty with `prune`."""


class _DryRun(Exception):
    """The exception that ends a dry run and rolls back its transaction."""


def apply(request: ApplyRequest) -> Applied:
    """Apply a manifest. Nothing is changed if an error is raised.

    Raises InvalidManifest if the manifest cannot be applied, and RegistryLocked if another transaction holds a lock for
    too long.
    """
    run = Run(actor=request.actor, now=request.now, recipes=request.recipes)
    unlisted: list[Change] = []
    try:
        with registry_lock.change():
            unlisted += _steps(request, run)
            _roll_back(request)
    except _DryRun:
        run.secrets.clear()
    return Applied(changes=run.changes, secrets=run.secrets, unlisted=unlisted)


def _roll_back(request: ApplyRequest) -> None:
    """Raise _DryRun if the run is a dry run."""
    if request.dry_run:
        raise _DryRun


def _steps(request: ApplyRequest, run: Run) -> list[Change]:
    """Apply each part of the manifest. With `prune`, then delete the rows that the file does not name.

    Without `prune`, returns the deletions that `prune` would make. With `prune`, returns an empty list. Raises
    InvalidManifest if a part has problems.
    """
    for part in (api_part.apply, client_part.apply, api_part.link, policy_part.apply):
        part(request.manifest, run)
        run.stop_if_refused()
    rows = list(prune.not_named(request.manifest))
    if not request.prune:
        return [prune.described(row) for row in rows]
    for row in rows:
        prune.remove(row, run)
    return []
