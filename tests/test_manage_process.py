"""Commands in a process that stays answer as those in processes of their own."""

import os

import pytest

from project.launch import processes
from tests import manage_process

pytestmark = [pytest.mark.processes]
VARIABLES = {
    name: os.environ[name] for name in ("SECRET_KEY", "KEY_ENCRYPTION_KEYS", "ISSUER_URL", "DEBUG", "KEY_POLICY")
} | {"DJANGO_SETTINGS_MODULE": "project.settings.issuer", "DATABASE_URL": "sqlite://:memory:"}


def output(run, *arguments: str) -> str:
    try:
        return run(VARIABLES, *arguments)
    except processes.Failed as error:
        return str(error)


@pytest.mark.parametrize(
    "arguments",
    [
        ["help", "rotate_keys"],
        ["rotate_keys", "--ring"],
        ["rotate_keys", "--now", "--json"],
        ["create_client", "--name", "App"],
        ["shell", "--no-imports", "-c", "import sys; print(sys.argv[1:3]); sys.exit('a reason')"],
        ["no_such_command"],
    ],
)
def test_output_and_failure_are_those_of_a_process_of_its_own(arguments: list[str]) -> None:
    assert output(manage_process.command, *arguments) == output(processes.command, *arguments)


def test_a_process_stays_for_the_next_command_of_its_environment_only() -> None:
    ask = ("shell", "--no-imports", "-c", "import os; print(os.getpid())")
    first = manage_process.command(VARIABLES, *ask)
    assert manage_process.command(VARIABLES, *ask) == first
    assert manage_process.command(VARIABLES | {"LOG_FORMAT": "text"}, *ask) != first
