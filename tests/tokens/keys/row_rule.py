"""A rule about keys that the database itself enforces.

A rule has a name, SQL that it refuses, and SQL that drops it.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from tests.tokens.keys.rows import API, AUDIT, KEY, LITERALS, RING


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule of the database, and the SQL statements that it refuses."""

    kind: str
    """`check`, `index`, `unique` (part of the table on SQLite) or `trigger`."""
    table: str
    name: str
    statements: tuple[str, ...]
    messages: Mapping[str, str] = field(default_factory=dict)
    """Text of the refusal by database, if it is not the rule's name."""
    without: tuple[str, ...] = ()
    """Other triggers that refuse the same statements, to be dropped for the test."""
    vendors: tuple[str, ...] = tuple(LITERALS)

    def message(self, vendor: str) -> str:
        """Return a pattern that matches the database's error message for the rule."""
        return re.escape(self.messages.get(vendor, self.name))


def drop(rule: Rule, vendor: str) -> list[str]:
    """Return the SQL statements that drop a rule.

    After they have run, the caller must roll back the transaction or close the connection.
    """
    if rule.kind == "trigger":
        return [f"DROP TRIGGER {rule.name}" + (f" ON {rule.table}" if vendor == "postgresql" else "")]
    if rule.kind == "index":
        return [f"DROP INDEX {rule.name}"]
    if vendor == "postgresql":
        return ["SET CONSTRAINTS ALL IMMEDIATE", f"ALTER TABLE {rule.table} DROP CONSTRAINT {rule.name}"]
    return ["PRAGMA ignore_check_constraints = ON"]


SELECT_RULES = {
    "sqlite": f"""
        SELECT name FROM sqlite_master WHERE type = 'trigger' AND tbl_name IN ('{KEY}', '{RING}', '{API}', '{AUDIT}')
            AND name NOT LIKE '%_registered_%'
        UNION SELECT name FROM sqlite_master WHERE sql LIKE 'CREATE UNIQUE INDEX%' AND tbl_name IN ('{KEY}', '{RING}')
        UNION SELECT sql FROM sqlite_master WHERE type = 'table' AND name IN ('{KEY}', '{RING}')""",
    "postgresql": f"""
        SELECT tgname::text FROM pg_trigger WHERE NOT tgisinternal AND tgname NOT LIKE '%_registered'
            AND tgrelid::regclass::text IN ('{KEY}', '{RING}', '{API}', '{AUDIT}')
        UNION SELECT conname FROM pg_constraint
            WHERE contype IN ('c', 'u') AND conrelid::regclass::text IN ('{KEY}', '{RING}')
        UNION SELECT indexrelid::regclass::text FROM pg_index
            WHERE indisunique AND NOT indisprimary AND indrelid::regclass::text IN ('{KEY}', '{RING}')""",
}
"""Select the names of the rules of a database, and on SQLite the tables with the CHECKs in them."""
OTHERS = {"tokens_ring_bits_check"}
"""Rules of Django itself: the type of a column."""


def names(selected: Iterable[str]) -> set[str]:
    """Return the names of the database's rules.

    `selected` is the result of SELECT_RULES: names of rules, and on SQLite also CREATE TABLE statements with CHECKs.
    """
    return {
        name
        for text in selected
        for name in (re.findall(r'CONSTRAINT "(\w+)" CHECK', text) if text.startswith("CREATE") else [text])
    } - OTHERS
