"""Migration operations that put rules into the database itself, so that the admin, the shell and plain SQL obey them.

Owns: triggers that refuse a change, renew a value, or replace a row; the schema of trigger functions; indexes that only
PostgreSQL has; and how long a migration waits for a lock.
Does not own: rules about a single row, which are CHECK constraints of `models`.
Steps: this package is none of the seven steps in README.md.
Neighbours: imported by `migrations` only. Functions are imported from `tokens.triggers`, not from its modules.

- Names of triggers and functions are permanent: applied migrations created them.
- Arguments are written into SQL unescaped. Migrations pass literals only.
- SQLite drops a table's triggers when a migration rebuilds the table. Repeat the operation after such a step.

Read in this order:
- `statements`: run statements in a migration, without rendering models.
- `texts`: change labels, help texts and validators of fields, without rendering models.
- `row_rule`: refuse an UPDATE, DELETE, TRUNCATE or INSERT OR REPLACE.
- `registry_version`: renew the registry's version with every change of a table.
- `session_epoch`: end the sessions of a user who is disabled.
- `profile_change`: date the last change of a user's name or e-mail address.
- `restore`: replace a row at an INSERT, so that pg_restore can copy a row that a trigger has already written.
- `search_path`: bind trigger functions to their schema.
- `prefix_index`: create an index for the admin's lists, or drop one that no query uses.
- `lock_wait`: limit how long a migration waits for a lock.
"""

from tokens.triggers.lock_wait import bound_lock_wait
from tokens.triggers.prefix_index import drop_like_index, index_concurrently
from tokens.triggers.profile_change import date_profile_changes
from tokens.triggers.registry_version import registry
from tokens.triggers.restore import replace_inserted
from tokens.triggers.row_rule import changed, refuse, refuse_replacing
from tokens.triggers.search_path import fix_search_paths
from tokens.triggers.session_epoch import end_sessions_of_disabled_users
from tokens.triggers.statements import Statements
from tokens.triggers.texts import AlterTexts

__all__ = [
    "AlterTexts",
    "Statements",
    "bound_lock_wait",
    "changed",
    "date_profile_changes",
    "drop_like_index",
    "end_sessions_of_disabled_users",
    "fix_search_paths",
    "index_concurrently",
    "refuse",
    "refuse_replacing",
    "registry",
    "replace_inserted",
]
