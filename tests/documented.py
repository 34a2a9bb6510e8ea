"""The command lines in README and documentation, and the test that runs each of them."""

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", ROOT / "SECURITY.md", *sorted(ROOT.glob("docs/**/*.md"))]
BLOCK = re.compile(r"^[ >]*```(console|sh)\n(.*?)^[ >]*```", re.DOTALL | re.MULTILINE)
KEYTURN_LINE = re.compile(
    r"manage\.py \w|\bmake [a-z]|(?:^|bin/|=\S+ )keyturn [a-z]|\bcurl\b|-m (?:project|examples)\."
)
"""A line with a command of Keyturn, or with a request to it. Others are of other programs, such as vault or kubectl."""
SHELL = re.compile(r"[|<>;&]|\$\(|\$\w")
OUTPUT = re.compile(r" > ([\w.-]+)$")


@dataclass(frozen=True, slots=True)
class Line:
    """A command line of a documentation page, with its continuation lines joined."""

    page: str
    text: str

    @property
    def is_simple(self) -> bool:
        """Return True if the line is one call of manage.py, without shell syntax other than `> FILE`."""
        text = OUTPUT.sub("", self.text)
        return "manage.py " in text and not SHELL.search(re.sub(r"'[^']*'|\"[^\"]*\"", "", text))

    @property
    def output(self) -> str:
        """Return the name of the file to which the line redirects its output, or "" if it does not redirect."""
        match = OUTPUT.search(self.text)
        return match[1] if match else ""

    def arguments(self) -> list[str]:
        """Return the words after manage.py in the line, without the redirection."""
        return shlex.split(OUTPUT.sub("", self.text).partition("manage.py ")[2])


def lines_of(page: Path) -> Iterator[Line]:
    """Yield the command lines of a documentation page that run programs of Keyturn or send requests to them."""
    name = page.relative_to(ROOT).as_posix()
    for kind, block in BLOCK.findall(page.read_text(encoding="utf-8")):
        for line in block.replace("\\\n", " ").splitlines():
            text = line.strip()
            if kind == "console" and not text.startswith("$ "):
                continue
            text = re.sub(r"\s+", " ", re.sub(r"\s+#\s.*$", "", text.removeprefix("$ "))).strip()
            if KEYTURN_LINE.search(text) and not text.startswith("#"):
                yield Line(name, text)


@cache
def lines() -> list[Line]:
    """Return the command lines of README and all documentation pages."""
    return [line for page in PAGES for line in lines_of(page)]


DEPLOYMENT = (
    "tests/services/test_deployment_page.py::test_the_page_can_be_followed_from_the_first_line_to_the_first_call"
)
RESTORED = "tests/services/test_after_restore.py::test_a_restored_backup_is_detected_refuses_to_sign_and_is_repaired"
ID_RING = (
    "tests/tokens/keys/test_id_ring.py"
    "::test_a_client_s_id_tokens_and_logout_tokens_have_its_algorithm_and_access_tokens_have_not"
)
REQUESTS = (
    "tests/flow/test_documented_requests.py::test_each_command_and_request_of_the_pages_succeeds_as_it_is_printed"
)
TUTORIAL = "tests/flow/test_documented_requests.py::test_the_tutorial_leads_to_a_protected_view"
FOREIGN = "tests/flow/test_foreign_project.py::test_the_commands_and_checks_work"
HAPROXY = "tests/servers/test_haproxy.py::test_a_key_is_trusted_until_its_file_is_removed_and_haproxy_reloads"
PROXIES = "tests/proxies/test_proxies.py::test_the_configuration_of_the_page_has_nothing_to_be_found"
MCP = "tests/clients/recipes/test_mcp_python.py::test_the_sdk_logs_a_user_in_reaches_a_tool_and_steps_up"
PACKAGE = "tests/packages/test_issuer.py::test_the_command_serves_keys_metadata_and_pages"
TRACES = "tests/packages/test_issuer.py::test_the_command_sends_its_spans_to_a_collector"
DRILL = (
    "tests/services/test_drill.py"
    "::test_every_promise_holds_while_an_issuer_is_killed_or_has_a_wrong_key_and_postgresql_and_redis_fail"
)
PKCS11 = "tests/services/test_pkcs11.py::test_a_ring_in_the_pkcs11_token_passes_every_phase"
RUN = "tests/project/test_run.py::test_run_stops_all_three_processes"
FASTAPI = "tests/servers/test_fastapi.py::test_the_server_accepts_only_a_valid_token"
AS_CODE = "tests/tokens/manifest/test_page.py::test_the_page_can_be_followed"
MOVING = "tests/tokens/handover/test_page.py::test_the_page_can_be_followed"
MOVED = "tests/services/test_move_database.py::test_an_issuer_goes_on_in_the_new_database"

AS_PRINTED = {
    (r"docs/tutorial\.md", r"create_|manage\.py check|curl"): TUTORIAL,
    (r"README\.md|docs/(grants|par|open-clients)\.md", r"^(?!.*make )"): REQUESTS,
    (r"docs/deploy\.md", r"^(?!.*check_proxy)"): DEPLOYMENT,
    (r"docs/configuration-as-code\.md", r""): AS_CODE,
    (r"docs/moving\.md", r"^(?!.*move_database)"): MOVING,
}
"""By the patterns of page and line: the test that runs such lines as they are printed, except for addresses."""
IN_ANOTHER_FORM = {
    (r"docs/moving\.md", r"move_database"): MOVED,
    (r"docs/restore\.md", r"migrate$"): RESTORED,
    (r"docs/clients\.md", r"--id-token-alg"): ID_RING,
    (r"docs/(proxies|deploy)\.md", r"check_proxy"): PROXIES,
    (r"docs/install\.md", r"bin/keyturn"): PACKAGE,
    (r"docs/observability\.md", r"OTEL_TRACES"): TRACES,
    (r"docs/drill\.md", r"DRILL=|--fault"): DRILL,
    (r"docs/mcp\.md", r"make run|examples\.mcp"): MCP,
    (r"docs/resource-servers/haproxy\.md", r"keys"): HAPROXY,
    (r"docs/resource-servers/(README|fastapi)\.md", r"curl"): FASTAPI,
    (r"docs/resource-server\.md", r"check_issuer|localhost:800[03]"): FOREIGN,
    (r"docs/tutorial\.md", r"runserver"): TUTORIAL,
    (r"docs/key-rotation\.md", r"pkcs11"): PKCS11,
    (r".*", r"\bmake (run|test)\b"): RUN,
}
"""The same, for a test that runs the command or request in another form: with other arguments, or from Python."""
BY_HAND = {(r"docs/drill\.md", r"make drill$"): "is a check by itself, which takes five minutes"}
"""By the patterns of page and line: why no test runs such lines."""


def assigned(line: Line, table: dict[tuple[str, str], str]) -> str:
    """Return the entry of `table` for a command line: a test, or the reason why no test runs the line.

    Returns "" if the table has no entry for the line.
    """
    for (page, text), test in table.items():
        if re.fullmatch(page, line.page) and re.search(text, line.text):
            return test
    return ""


def here() -> list[Line]:
    """Return the lines that tests/tokens/management/test_documented_commands.py runs exactly as they are printed."""
    return [
        line
        for line in lines()
        if line.is_simple and not assigned(line, AS_PRINTED) and not assigned(line, IN_ANOTHER_FORM)
    ]


def of_pages(table: dict[tuple[str, str], str]) -> dict[tuple[str, str], str]:
    """Return those entries of a table that are about a documentation page which exists.

    A table can also have entries for pages that exist only in another branch.
    """
    names = [page.relative_to(ROOT).as_posix() for page in PAGES]
    return {key: test for key, test in table.items() if any(re.fullmatch(key[0], name) for name in names)}
