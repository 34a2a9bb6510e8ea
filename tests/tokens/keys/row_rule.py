"""A rule that the database itself keeps about keys: its name, what it refuses, and how it is taken away."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from tests.tokens.keys.rows import API, AUDIT, KEY, LITERALS, RING


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule and what it refuses."""

    kind: str
    """`check`, `index`, `unique` (part of the table on SQLite) or `trigger`."""
    table: str
    name: str
    statements: tuple[str, ...]
    told: Mapping[str, str] = field(default_factory=dict)
    """What the refusal says, by database; the rule's name unless told."""
    without: tuple[str, ...] = ()
    """Other triggers that refuse the same, and stand aside meanwhile."""
    vendors: tuple[str, ...] = tuple(LITERALS)

    def message(self, vendor: str) -> str:
        return re.escape(self.told.get(vendor, self.name))


def stand_aside(rule: Rule, vendor: str) -> list[str]:
    """The statements that take a rule away, on a connection that is thrown away or rolled back."""
    if rule.kind == "trigger":
        return [f"DROP TRIGGER {rule.name}" + (f" ON {rule.table}" if vendor == "postgresql" else "")]
    if rule.kind == "index":
        return [f"DROP INDEX {rule.name}"]
    if vendor == "postgresql":
        return ["SET CONSTRAINTS ALL IMMEDIATE", f"ALTER TABLE {rule.table} DROP CONSTRAINT {rule.name}"]
    return ["PRAGMA ignore_check_constraints = ON"]


FOUND = {
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
"""What rules a database has: their names, and on SQLite the tables with the CHECKs in them."""
OTHERS = {"tokens_ring_bits_check"}
"""Of Django itself: the type of a column."""


def names(found: Iterable[str]) -> set[str]:
    """The names of the rules among what FOUND selects."""
    return {
        name
        for text in found
        for name in (re.findall(r'CONSTRAINT "(\w+)" CHECK', text) if text.startswith("CREATE") else [text])
    } - OTHERS
