"""Types for the report on FAPI 2.0: a configuration, a clause of the profile, the state of a clause. Pure."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import Enum

TESTS = "tests/tokens/"
PROFILE = f"{TESTS}checks/test_fapi2.py::"


class State(Enum):
    """The state of a clause of the FAPI 2.0 Security Profile. The value is the text in the report."""

    MET = "met"
    NOT_MET = "not met"
    OUTSIDE = "outside"
    """The clause concerns a proxy, an API or a user interface of the deployment, which the issuer cannot see."""
    CHOICE = "choice"
    """The clause is a recommendation that this issuer does not follow. docs/fapi2.md says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Configuration:
    """The clients, APIs and settings that the report examines."""

    issuer: str
    fapi2_clients: tuple[str, ...]
    """The client_ids of the active clients that follow the profile."""
    problems: Mapping[str, tuple[str, ...]]
    """What the registration of each client lacks (`fapi2.problems`), by client_id."""
    is_for_all: bool
    """True if the setting FAPI2 is on."""
    algorithms: Mapping[str, str]
    """The signature algorithm of each key ring, by the name of the ring."""
    apis: Mapping[str, str]
    """The key ring that signs the tokens of each API, by the identifier of the API."""
    id_tokens: Mapping[str, str]
    """The key ring that signs the ID tokens of each client, by client_id."""


Judge = Callable[[Configuration], list[str]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Clause:
    """A clause of the FAPI 2.0 Security Profile, with the function that checks a configuration against it."""

    number: str
    text: str
    test: str
    """The test that shows that the clause is met, as a path for pytest."""
    judge: Judge | None = None
    """The function that returns what a configuration lacks; None if nothing can be lacking."""
    is_outside: bool = False
    is_choice: bool = False

    def state(self, configuration: Configuration) -> tuple[State, list[str]]:
        """Return the state of the clause in this configuration, and a list of what the configuration lacks.

        The list is empty unless the state is NOT_MET.
        """
        missing = self.judge(configuration) if self.judge else []
        if missing:
            return State.NOT_MET, missing
        if self.is_choice:
            return State.CHOICE, []
        return (State.OUTSIDE if self.is_outside else State.MET), []
