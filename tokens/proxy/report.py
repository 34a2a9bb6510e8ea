"""The findings of the trials, with their remedies."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

Level = Literal["ok", "advice", "error", "unknown"]
LEVELS: tuple[Level, ...] = ("ok", "unknown", "advice", "error")
"""The levels of findings, from the least to the most severe."""


@dataclass(frozen=True, slots=True)
class Finding:
    """The result of a trial. `remedy` is empty if there is nothing to do."""

    trial: str
    level: Level
    result: str
    remedy: str = ""

    def members(self) -> dict[str, object]:
        """Return the finding as members of a JSON object, which `check_proxy --json` prints.

        The members have the names that they had in version 0.1.0.
        """
        members = asdict(self)
        return members | {"found": members.pop("result")}


def worst(findings: Sequence[Finding]) -> Level:
    """Return the most severe level among `findings`, or "ok" if there are no findings."""
    return max((finding.level for finding in findings), key=LEVELS.index, default="ok")


def as_json(url: str, findings: Sequence[Finding]) -> dict[str, Any]:
    """Return the findings as the JSON object that --json prints."""
    return {"url": url, "result": worst(findings), "findings": [finding.members() for finding in findings]}


def as_text(findings: Sequence[Finding]) -> str:
    """Return a line for each finding, with its remedy below it."""
    width = max(len(finding.trial) for finding in findings)
    lines = []
    for finding in findings:
        lines.append(f"{finding.level:<8}{finding.trial:<{width}}  {finding.result}")
        if finding.remedy:
            lines.append(f"{'':<8}{'':<{width}}  -> {finding.remedy}")
    return "\n".join(lines)
