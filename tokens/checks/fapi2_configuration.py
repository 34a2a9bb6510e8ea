"""What the report on FAPI 2.0 judges, and a clause with its state. Pure."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import Enum

TESTS = "tests/tokens/"
PROFILE = f"{TESTS}checks/test_fapi2.py::"


class State(Enum):
    """The result of a clause in the report."""

    MET = "met"
    NOT_MET = "not met"
    OUTSIDE = "outside"
    """The issuer cannot see it: it is about a proxy, an API or a user interface of the deployment."""
    CHOICE = "choice"
    """The profile recommends it, and this issuer does otherwise. docs/fapi2.md says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Configuration:
    """The clients, APIs and settings that the report judges."""

    issuer: str
    held: tuple[str, ...]
    """The client_ids of the active clients that follow the profile."""
    problems: Mapping[str, tuple[str, ...]]
    """By client_id: what the registration lacks (`fapi2.problems`)."""
    is_for_all: bool
    """True if the setting FAPI2 is on."""
    algorithms: Mapping[str, str]
    """By ring: the signature algorithm."""
    apis: Mapping[str, str]
    """By identifier: the ring that signs the API's tokens."""
    id_tokens: Mapping[str, str]
    """By client_id: the ring that signs the client's ID tokens."""


Judge = Callable[[Configuration], list[str]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Clause:
    """A clause of the FAPI 2.0 Security Profile, and how it is judged."""

    number: str
    text: str
    test: str
    """The test that shows it, as a path of pytest."""
    judge: Judge | None = None
    """Returns what is missing in a configuration. None: nothing can be missing."""
    is_outside: bool = False
    is_choice: bool = False

    def state(self, configuration: Configuration) -> tuple[State, list[str]]:
        """Return the state of the clause, and what is missing."""
        missing = self.judge(configuration) if self.judge else []
        if missing:
            return State.NOT_MET, missing
        if self.is_choice:
            return State.CHOICE, []
        return (State.OUTSIDE if self.is_outside else State.MET), []
