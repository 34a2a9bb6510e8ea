"""The permitted imports between the four packages, and which modules may read a clock.

tests/test_rooms.py checks the imports between the top-level folders and modules of the issuer ("rooms").
"""

import ast
import re
import subprocess
import sys
from collections.abc import Iterator

import pytest

from tests.source_trees import (
    MODULES,
    ROOT,
    absolute,
    arguments,
    dotted,
    last_name,
    loaded,
    origins,
    tree,
    walk,
    within,
)
from tests.test_rooms import pure_modules

ROOMS = ("tokens", "resources", "project", "examples", "keyturn_issuer")
DATES = frozenset(
    {
        "django.utils.timezone.now", "django.utils.timezone.localtime", "django.utils.timezone.localdate",
        "datetime.datetime.now", "datetime.datetime.utcnow", "datetime.datetime.today", "datetime.date.today",
        "time.time", "time.time_ns", "time.gmtime", "time.localtime",
        "self.timer",  # of a throttle of DRF
        "loads(max_age)", "unsign(max_age)", "unsign_object(max_age)", "get_signed_cookie(max_age)",
    }
)  # fmt: skip
"""The functions that read the date and time. `max_age` compares the date of a signature of Django with the time."""
CLOCKS = DATES | {
    f"time.{name}{unit}" for name in ("monotonic", "perf_counter", "process_time") for unit in ("", "_ns")
}
"""All clocks. Code that is not pure may measure durations."""
DATABASE = frozenset({"tokens.keys.store.database_now", "django.db.models.functions.Now"})
EDGES = (
    *("tokens/views/", "tokens/admin/", "tokens/checks/", "tokens/management/commands/"),
    "tokens/authorize/login_events.py",  # Django calls it at each login, without a time
    *("resources/authentication.py", "resources/permissions.py", "resources/testing.py"),
)
"""Folders and modules that may read each clock."""
NODE_READERS = {
    "tokens/keys/clock.py": "compares two clocks, and reads both at the same moment",
    "resources/throttles.py": "counts refused tokens by the timer of DRF's throttles, as DRF counts requests",
}
"""Further modules that may read this node's clock, and why."""
DATABASE_READERS = {
    "tokens/revoking/": "reads it again after the wait for a lock",
    "tokens/keys/lock.py": "reads it again after the wait for a ring's lock",
    "tokens/keys/deadline.py": "measures a step under that lock",
    "tokens/keys/clock.py": "compares two clocks, and reads both at the same moment",
    "tokens/back_channel/dispatcher.py": "a loop of its own thread, which no edge calls",
    "tokens/models/id_token_algorithm.py": "Django calls Client.clean, to which no edge can pass a time",
}
"""Further folders and modules that may read the database's clock, and why. CONTRIBUTING.md names them."""


DATED_BY_THE_DATABASE = ("tokens/admin/", "tokens/management/commands/")
COMPARERS = frozenset({"clock", "operation", "Operation", "check", "inspect"})
"""Functions to which commands and the admin may pass this node's clock: they compare it, or judge like an API."""


def imports(parsed: ast.Module) -> Iterator[tuple[int, str]]:
    """Yield the line number and the name of each import in the source, including the imports of `loaded`.

    A `from` import yields the module, and then each imported name with its module in front.
    """
    yield from loaded(parsed)
    for node in walk(parsed):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.lineno, node.module or ""
            yield from ((node.lineno, f"{node.module}.{alias.name}") for alias in node.names)


def within_mcp(path: str, module: str) -> bool:
    """Return True if a module of the example MCP server (`path`) imports `resources` (`module`), which is permitted."""
    return path.startswith("examples/mcp/") and within(module, "resources")


def forbidden(path: str, module: str) -> str | None:
    """Return the rule that the module at `path` breaks by importing `module`, or None if it breaks no rule."""
    room = path.partition("/")[0]
    rules = {
        "tokens and resources never import each other": (
            (room == "tokens" and within(module, "resources")) or (room == "resources" and within(module, "tokens"))
        ),
        "only the command imports project": room not in {"project", "keyturn_issuer"} and within(module, "project"),
        "an example knows no room of the product": (
            room == "examples" and within(module, "tokens", "resources") and not within_mcp(path, module)
        ),
        "rest_framework only under resources": room != "resources"
        and within(module, "rest_framework", "drf_spectacular"),
        "oauth2_provider and oauthlib only under tokens": (
            room != "tokens" and within(module, "oauth2_provider", "oauthlib")
        ),
        "verification knows the example API only from outside": (
            room == "resources" and not path.startswith("resources/notes/") and within(module, "resources.notes")
        ),
        "the link table of users is optional": (
            room == "resources"
            and not path.startswith("resources/user_links/")
            and within(module, "resources.user_links")
        ),
        "tests are imported by nothing": within(module, "tests"),
        "examples and benchmarks are imported by nothing": any(
            room != own and within(module, own) for own in ("examples", "bench")
        ),
        "the command is imported by nothing": room != "keyturn_issuer" and within(module, "keyturn_issuer"),
    }
    return next((rule for rule, broken in rules.items() if broken), None)


def clock_reads(parsed: ast.Module, clocks: frozenset[str] = DATES) -> Iterator[int]:
    """Yield the numbers of the lines that use one of the functions in `clocks`, under any imported name.

    A call with the argument `max_age` is in `clocks` as the function's name with this argument, such as
    "loads(max_age)".
    """
    names = origins(parsed)
    for node in walk(parsed):
        if isinstance(node, ast.Attribute | ast.Name):
            first, dot, rest = dotted(node).partition(".")
            if names.get(first, first) + dot + rest in clocks:
                yield node.lineno
        elif (
            isinstance(node, ast.Call)
            and any(argument.arg == "max_age" for argument in node.keywords)
            and f"{last_name(node.func)}(max_age)" in clocks
        ):
            yield node.lineno


def wrong_reads(path: str, parsed: ast.Module) -> list[int]:
    """Return the numbers of the lines that read a clock which the module at `path` is not allowed to read."""
    node = [] if path.startswith((*EDGES, *NODE_READERS)) else [*clock_reads(parsed)]
    database = [] if path.startswith((*EDGES, *DATABASE_READERS)) else [*clock_reads(parsed, DATABASE)]
    return sorted(node + database)


def judges_by_the_node(parsed: ast.Module) -> list[int]:
    """Return the numbers of the lines that read this node's clock.

    Calls inside the arguments of a function in COMPARERS are not counted.
    """
    calls = [node for node in walk(parsed) if isinstance(node, ast.Call)]
    comparers = [call for call in calls if last_name(call.func) in COMPARERS]
    compared = {
        id(value) for call in comparers for value in (*call.args, *(keyword.value for keyword in call.keywords))
    }
    reads = [call for call in calls if dotted(call.func) == "timezone.now" and not arguments(call)]
    return [call.lineno for call in reads if id(call) not in compared]


def sources() -> list[str]:
    """Return the paths of the packages' modules, except migrations."""
    return [
        path.relative_to(ROOT).as_posix()
        for room in ROOMS
        for path in sorted((ROOT / room).rglob("*.py"))
        if "migrations" not in path.parts
    ]


@pytest.mark.parametrize("path", sources())
def test_a_module_imports_only_what_its_room_may(path: str) -> None:
    broken = [
        f"{path}:{line} imports {module}: {rule}"
        for line, module in imports(tree(ROOT / path))
        if (rule := forbidden(path, module))
    ]
    assert broken == []


@pytest.mark.processes
def test_every_benchmark_can_be_imported() -> None:
    """Each benchmark can be imported. Benchmarks use helpers of tests/, so a change of a helper can break them.

    The test imports them in a separate process, because some benchmarks set environment variables.
    """
    modules = [f"bench.{path.stem}" for path in sorted((ROOT / "bench").glob("[a-z]*.py"))]
    assert "bench.issuer_feed" in modules
    program = "import importlib, sys; [importlib.import_module(name) for name in sys.argv[1:]]"
    command = [sys.executable, "-c", program, *modules]
    run = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert (run.returncode, run.stderr) == (0, "")


@pytest.mark.parametrize("path", [path for path in sources() if path.partition("/")[0] in {"tokens", "resources"}])
def test_the_clock_is_read_only_at_the_edges(path: str) -> None:
    assert wrong_reads(path, tree(ROOT / path)) == []


@pytest.mark.parametrize("path", [path for path in sources() if path.startswith(DATED_BY_THE_DATABASE)])
def test_commands_and_the_admin_date_by_the_database_s_clock(path: str) -> None:
    assert judges_by_the_node(tree(ROOT / path)) == []


@pytest.mark.parametrize(
    ("line", "is_caught"),
    [
        ("access.log_out_everywhere(user, reason='', now=timezone.now())", True),
        ("event = {'now': timezone.now()}", True),
        ("rotate(operation(ACTOR, now=timezone.now()))", False),
        ("access.log_out_everywhere(user, reason='', now=store.database_now())", False),
    ],
)
def test_a_date_by_the_node_s_clock_is_caught(line: str, is_caught: bool) -> None:
    assert bool(judges_by_the_node(ast.parse(line))) is is_caught


def test_each_exception_reads_its_clock() -> None:
    assert [path for path in NODE_READERS if not list(clock_reads(tree(ROOT / path)))] == []
    assert [
        place
        for place in DATABASE_READERS
        for modules in [[path for path in sources() if path.startswith(place)]]
        if not any(list(clock_reads(tree(ROOT / path), DATABASE)) for path in modules)
    ] == []


def test_contributing_names_each_reader_of_the_database_s_clock() -> None:
    page = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    _, _, rule = page.partition("The clock is read at the edges only")
    rule, _, _ = rule.partition("\n- ")
    places = {place.removeprefix("tokens/").removesuffix(".py") for place in (*DATABASE_READERS, *NODE_READERS)}
    assert [place for place in places if f"`{place}" not in rule] == []


@pytest.mark.parametrize(
    "path",
    [
        "tokens/grants/base.py",
        "tokens/authorize/checks/login.py",
        "tokens/models/admin.py",
        "tokens/issued/permissions.py",
        "resources/verify.py",
        "resources/notes/authentication.py",
    ],
)
@pytest.mark.parametrize(
    "read",
    [
        "from django.utils import timezone\nnow = timezone.now()",
        "from tokens.keys import store\nnow = store.database_now()",
        "from tokens.keys.store import database_now\nnow = database_now()",
        "from django.db.models.functions import Now\nrows.filter(at__lte=Now())",
        "from django.db.models import functions\nrows.filter(at__lte=functions.Now())",
    ],
)
def test_a_read_elsewhere_is_caught(path: str, read: str) -> None:
    assert wrong_reads(path, ast.parse(read)) == [2]
    assert wrong_reads("tokens/views/token.py", ast.parse(read)) == []


@pytest.mark.parametrize("module", pure_modules())
def test_a_pure_module_reads_no_clock(module: str) -> None:
    assert list(clock_reads(tree(MODULES[module]), CLOCKS)) == []


@pytest.mark.parametrize(
    ("path", "line"),
    [
        ("tokens/views.py", "import resources.verify"),
        ("project/wsgi.py", "import keyturn_issuer"),
        ("keyturn_issuer/__main__.py", "from rest_framework.views import APIView"),
        ("tokens/views.py", "from resources import verify"),
        ("resources/verify.py", "from tokens.models import User"),
        ("resources/conf.py", "from project import settings"),
        ("tokens/conf.py", "import project.settings.base"),
        ("examples/webapp/views.py", "from resources import verify"),
        ("examples/mcp/guard.py", "from tokens.jose import compact"),
        ("tokens/views.py", "from rest_framework.views import APIView"),
        ("resources/permissions.py", "import oauthlib"),
        ("resources/authentication.py", "from resources.notes.models import Note"),
        ("resources/local_users.py", "from resources.user_links.models import UserLink"),
        ("resources/local_users.py", "from .user_links.models import UserLink"),
        ("resources/local_users.py", "from . import user_links"),
        ("resources/authentication.py", "from .notes.models import Note"),
        ("resources/management/commands/check_issuer.py", "from ...notes import models"),
        ("resources/verify.py", "from ..tokens.models import User"),
        ("resources/management/commands/check_issuer.py", "from ....project import settings"),
        ("tokens/keys/store.py", "from ...resources import verify"),
        ("tokens/views.py", "from examples.webapp import login"),
        ("project/urls/api.py", "import examples.mcp.guard"),
        ("resources/verify.py", "import bench.verify"),
        ("examples/mcp/guard.py", "from bench import load"),
        ("tokens/views.py", 'importlib.import_module("resources.verify")'),
        ("resources/verify.py", '__import__("tokens")'),
        ("tokens/conf.py", 'import_string("project.settings.base.DEBUG")'),
        ("tokens/conf.py", 'import_module(f"project.{name}")'),
        ("examples/webapp/views.py", 'import_string("resources.verify:verify")'),
        ("tokens/views.py", 'PERMISSION = "rest_framework.permissions.AllowAny"\nimport_string(PERMISSION)'),
        ("resources/permissions.py", 'import_module(name="oauthlib")'),
        ("resources/authentication.py", 'import_module(".notes.models", __package__)'),
        ("resources/local_users.py", 'import_module("." + "user_links", package=__package__)'),
        ("resources/verify.py", 'import_module("." "user_links", package="resources")'),
        ("resources/management/commands/check_issuer.py", 'import_module("...notes.models", __package__)'),
        ("project/urls/api.py", 'import_module("examples." + name)'),
        ("resources/verify.py", 'runpy.run_module("bench.verify")'),
        ("project/wsgi.py", 'import_module("keyturn_issuer.%s" % name)'),
        ("tokens/views.py", 'import_module("tests.{}".format(name))'),
    ],
)
def test_a_wrong_import_is_caught(path: str, line: str) -> None:
    assert any(forbidden(path, module) for _, module in imports(absolute(line, path)))


@pytest.mark.parametrize(
    ("path", "line"),
    [
        ("project/urls/issuer.py", "import tokens.urls"),
        ("resources/notes/views.py", "from resources.permissions import HasScopes"),
        ("resources/keysets/keyset.py", "from collections.abc import Callable"),
        ("resources/user_links/models.py", "from . import apps"),
        ("resources/notes/views.py", "from ..permissions import HasScopes"),
        ("resources/management/commands/check_issuer.py", "from ...inspection import inspect"),
        ("keyturn_issuer/__main__.py", "from project.launch import serve"),
        ("resources/permissions.py", "from rest_framework.permissions import BasePermission"),
        ("examples/mcp/server.py", "from examples.mcp.guard import guarded"),
        ("project/direct.py", 'import_string("tokens.views.unavailable.DatabaseAway")'),
        ("tokens/claims/hook.py", "import_string(settings.claims_hook)"),
        ("resources/management/commands/check_issuer.py", 'import_module("...inspection", __package__)'),
        ("tokens/views.py", 'import_module("resourceful")'),
        ("tokens/views.py", 'translate("resources.verify")'),
    ],
)
def test_a_right_import_is_not_caught(path: str, line: str) -> None:
    assert not any(forbidden(path, module) for _, module in imports(absolute(line, path)))


RELATIVE = re.compile(r"\bfrom[\s\\]*\.")
"""Finds every relative import, and few other texts, so that most modules need not be parsed."""


def own_name(source: str) -> Iterator[int]:
    """Yield the numbers of lines that contain the package's own name `resources`, in an import or a dotted path.

    Such a line fails if a project copies the package under another name.
    """
    parsed = ast.parse(source)
    prose = {id(node.value) for node in ast.walk(parsed) if isinstance(node, ast.Expr)}
    for node in ast.walk(parsed):
        names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
        if isinstance(node, ast.ImportFrom) and not node.level:
            names = [node.module or ""]
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in prose:
            names = re.findall(r"\bresources\.[a-z_]+", node.value)
        if any(within(name, "resources") for name in names):
            yield node.lineno


def relative(source: str) -> list[int]:
    """Return the lines that have a relative import."""
    if not RELATIVE.search(source):
        return []
    return [node.lineno for node in ast.walk(ast.parse(source)) if isinstance(node, ast.ImportFrom) and node.level]


@pytest.mark.parametrize("path", [path for path in sources() if path.startswith("resources/")])
def test_the_resource_server_works_under_any_name(path: str) -> None:
    assert list(own_name((ROOT / path).read_text(encoding="utf-8"))) == []


@pytest.mark.parametrize("path", [path for path in sources() if not path.startswith("resources/")])
def test_the_other_packages_import_absolutely(path: str) -> None:
    assert relative((ROOT / path).read_text(encoding="utf-8")) == []


@pytest.mark.parametrize(
    "line",
    [
        "import resources.verify",
        "from resources import verify",
        "from resources.verify import verify",
        'name = "resources.notes"',
        'hint = f"Set {NAME} to resources.handler.exception_handler"',
    ],
)
def test_the_package_s_own_name_is_caught(line: str) -> None:
    assert list(own_name(line)) == [1]


@pytest.mark.parametrize(
    "line",
    ["from . import verify", '"""Used by resources.urls."""', 'id = "resources.E001"', "import resources_of_mine"],
)
def test_other_names_are_not_caught(line: str) -> None:
    assert list(own_name(line)) == []
    assert relative("from . import verify\nfrom ..jwk import FAMILIES") == [1, 2]


READS = {
    "django's now": "from django.utils import timezone\nnow = timezone.now()",
    "datetime": "from datetime import datetime\nnow = datetime.now()",
    "datetime by its module": "import datetime\nnow = datetime.datetime.now()",
    "date": "from datetime import date\ntoday = date.today()",
    "time by its module": "import time\nnow = time.time()",
    "time by its name": "from time import time\nnow = time()",
    "another name": "from datetime import datetime as Instant\nnow = Instant.now()",
    "django's local time": "from django.utils import timezone\nnow = timezone.localtime()",
    "django's local date": "from django.utils.timezone import localdate\ntoday = localdate()",
    "the time in UTC": "import time\nnow = time.gmtime()",
    "the age of a signature": "from django.core import signing\nsigning.loads(text, max_age=60)",
    "the age of a signature, by its signer": "signer = TimestampSigner()\nsigner.unsign(text, max_age=60)",
    "a throttle's timer": "class Throttle(SimpleRateThrottle):\n    def f(self): self.now = self.timer()",
}
MEASURES = {
    "monotonic by its module": "import time\nstart = time.monotonic()",
    "monotonic by its name": "from time import monotonic\nstart = monotonic()",
    "a module's other name": "import time as clocks\nstart = clocks.perf_counter_ns()",
}


@pytest.mark.parametrize("sample", READS)
def test_a_clock_read_is_caught(sample: str) -> None:
    parsed = ast.parse(READS[sample])
    assert list(clock_reads(parsed)) == list(clock_reads(parsed, CLOCKS)) == [2]


@pytest.mark.parametrize("sample", MEASURES)
def test_a_monotonic_clock_is_caught_in_pure_code_only(sample: str) -> None:
    assert list(clock_reads(ast.parse(MEASURES[sample]), CLOCKS)) == [2]
    assert list(clock_reads(ast.parse(MEASURES[sample]))) == []


@pytest.mark.parametrize(
    "source",
    [
        "def due(now):\n    return now()",
        "from datetime import datetime\nat = datetime.fromtimestamp(0)",
        "from django.core import signing\nsigning.loads(text, salt='a')",
        "response.set_cookie('a', 'b', max_age=60)",
    ],
)
def test_a_time_that_is_an_argument_is_not_caught(source: str) -> None:
    assert list(clock_reads(ast.parse(source), CLOCKS)) == []
