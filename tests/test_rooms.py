"""The structure of issuer and resource server: permitted imports between rooms, pure modules, and names.

A room is a top-level folder or a top-level module of `tokens`, `resources` or `project`. A pure module does no input or
output.
"""

import ast
import re
from collections import defaultdict, deque
from collections.abc import Iterable
from functools import cache
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

from project.story import STEPS, steps
from tests.source_trees import (
    MODULES,
    ROOT,
    absolute,
    dotted,
    imports,
    last_name,
    loaded,
    module_of,
    modules,
    once_per_tree,
    tree,
    walk,
    within,
)

# Room by room from the top down: the rooms that it imports. A room imports only rooms that stand below it.
TABLE = {
    "apps": "authorize checks revoking",
    "urls": "conf metadata views",
    "admin": "account audit authentication_class authorize back_channel checks conf email_proof encryption errors"
    " factors grants inspection jose keys keys/errors keys/rules metadata models open_clients page_text recipes"
    " registration registry_lock revoking views",
    "templatetags": "conf page_text",
    "views": "account addresses audit authentication_class authorize background checks claims clients conf"
    " database_errors dpop email_proof errors factors grants issued jose keys keys/errors keys/rules languages"
    " limits login metadata models open_clients parameters registry_lock revoking settings userinfo",
    "management": "audit authentication_class back_channel checks conf database_errors email_proof encryption factors"
    " grants inspection issued jose keys keys/errors keys/rules handover manifest models open_clients outbound"
    " proxy recipes registration registry_lock revoking",
    "background": "audit clients keys keys/errors limits metadata revoking settings",
    "checks": "account audit authorize claims clients conf encryption keys keys/errors keys/rules languages limits"
    " models registration revoking settings",
    "metadata": "authorize claims clients conf dpop grants issued jose keys keys/rules models settings",
    "factors": "addresses authentication_class conf encryption jose models",
    "authorize": "account addresses audit authentication_class back_channel claims clients conf dpop errors grants"
    " issued jose keys keys/rules limits models parameters",
    "grants": "audit claims clients conf dpop errors issued keys login models parameters",
    "revoking": "account audit back_channel conf email_proof errors issued keys keys/errors limits models open_clients"
    " registration registry_lock",
    "open_clients": "addresses audit conf errors issued jose languages models outbound registration registry_lock"
    " settings",
    "handover": "audit clients conf database_errors email_proof encryption errors issued jose keys keys/errors"
    " keys/rules login models registration registry_lock",
    "manifest": "audit clients issued jose keys keys/rules models recipes registration registry_lock",
    "recipes": "",
    "registration": "addresses audit authentication_class clients conf email_proof issued jose keys languages models"
    " registry_lock settings",
    "clients": "audit conf database_errors encryption errors issued jose keys/errors limits models outbound plain_sql",
    "inspection": "issued jose keys keys/rules models outbound languages",
    "userinfo": "claims conf dpop errors issued models",
    "account": "audit back_channel conf email_proof login models",
    "back_channel": "audit conf issued keys keys/errors models outbound",
    "dpop": "conf jose",
    "issued": "addresses audit conf encryption errors jose keys keys/errors keys/rules models plain_sql",
    "claims": "conf email_proof errors jose languages models",
    "keys": "audit conf encryption jose keys/errors keys/rules models plain_sql registry_lock languages settings",
    "email_proof": "login models languages",
    "login": "limits models",
    "parameters": "errors models",
    "audit": "conf models",
    "migrations": "models triggers",
    "models": "addresses authentication_class conf database_errors jose keys/rules languages page_text",
    "limits": "conf settings",
    "conf": "keys/rules languages settings",
    "settings": "encryption keys/rules languages",
    "page_text": "languages",
    "authentication_class": "",
    "keys/rules": "keys/errors languages",
    "keys/errors": "",
    "jose": "languages",
    "outbound": "public_networks deadline_response",
    "deadline_response": "",
    "public_networks": "",
    "addresses": "languages",
    "encryption": "languages",
    "errors": "",
    "database_errors": "",
    "plain_sql": "",
    "registry_lock": "languages",
    "triggers": "",
    "languages": "",
    "proxy": "",
}
# The same for `resources`. Settings and code of a project name its modules, and no module in a folder.
SERVER_TABLE = {
    "apps": "checks conf schema telemetry",
    "pytest_plugin": "testing",
    "testing": "conf dpop",
    "management": "conf issuers",
    "notes": "permissions principal",
    "user_links": "",
    "urls": "views",
    "forward_auth": "plain_views possession principal",
    "ninja": "plain_views",
    "plain_views": "conf decorators handler middleware",
    "checks": "anonymous_access conf jose outbound schema settings",
    "schema": "conf scope_needs",
    "openapi": "conf",
    "wsgi": "edge",
    "middleware": "authentication conf possession views",
    "handler": "authentication challenges database_errors errors permissions principal scope_needs",
    "decorators": "authentication",
    "parsers": "jose",
    "request_ids": "telemetry",
    "views": "conf issuers operator",
    "status": "issuers telemetry",
    "operator": "conf",
    "authentication": "challenges conf edge errors issuers local_users possession principal scope_needs telemetry"
    " thread_limit throttles token_memory verify",
    "possession": "conf dpop errors principal settings",
    "scope_needs": "permissions",
    "permissions": "errors issuers principal",
    "throttles": "client_address conf principal throttle_cache",
    "challenges": "conf errors",
    "issuers": "conf errors feed issuer_trust jose keysets outbound principal revocations settings telemetry"
    " thread_limit",
    "feed": "errors issuer_trust jose outbound revocations verify",
    "token_memory": "dpop errors issuer_trust jose principal verify",
    "verify": "dpop errors issuer_trust jose principal",
    "issuer_trust": "jose revocations",
    "revocations": "",
    "conf": "keysets local_users settings",
    "settings": "dpop jose",
    "local_users": "errors principal",
    "keysets": "errors jose outbound thread_limit",
    "outbound": "",
    "telemetry": "errors",
    "dpop": "errors jose",
    "jose": "errors",
    "principal": "",
    "anonymous_access": "",
    "client_address": "",
    "database_errors": "",
    "edge": "",
    "thread_limit": "",
    "throttle_cache": "",
    "errors": "",
}
# The same for `project`. `launch` serves with `settings`, and writes the environment that `settings/standalone` loads.
WIRING_TABLE = {
    "drill": "launch",
    "settings/standalone": "launch settings",
    "launch": "admin_pages conf front logs metrics postgresql settings",
    "telemetry": "access_log conf metrics",
    "access_log": "conf metrics",
    "metrics": "conf postgresql",
    "background": "postgresql",
    "front": "admin_pages",
    "postgresql": "admin_pages conf",
    "admin_host": "admin_pages conf",
    "wsgi": "conf direct",
    "direct": "conf",
    "mount": "conf",
    "urls": "conf",
    "conf": "admin_pages",
    "admin_pages": "",
    "management": "databases",
    "databases": "",
    "logs": "",
    "page_language": "",
    "redis_cache": "",
    "request_id": "",
    "settings": "",
    "story": "",
}
TABLES = {"tokens": TABLE, "resources": SERVER_TABLE, "project": WIRING_TABLE}
APART = ("tokens.keys.rules", "tokens.keys.errors", "project.settings.standalone")
"""Modules and folders that are rooms of their own, although they are in the folder of another room."""
PURE = (
    "tokens/jose/",
    "tokens/keys/rules/",
    "tokens/settings/",
    "tokens/keys/errors.py",
    "tokens/recipes/schema.py",
    "tokens/recipes/options.py",
    "tokens/recipes/example.py",
    "tokens/recipes/defaults.py",
    "tokens/recipes/configuration.py",
    "tokens/recipes/markdown.py",
    "tokens/recipes/overview.py",
    "tokens/authentication_class.py",
    "tokens/handover/dump.py",
    "tokens/manifest/tree.py",
    "tokens/manifest/field_types.py",
    "tokens/manifest/schema.py",
    "tokens/manifest/change.py",
    "tokens/factors/secret_text.py",
    "tokens/factors/credential.py",
    "tokens/encryption.py",
    "tokens/registration/delegation.py",
    "tokens/registration/kinds.py",
    "tokens/registration/option_columns.py",
    "tokens/addresses.py",
    "tokens/languages.py",
    "tokens/public_networks.py",
    "resources/jose/",
    "resources/dpop/",
    "resources/revocations/",
    "resources/keysets/keyset.py",
    "resources/keysets/key_policy.py",
    "resources/keysets/key_pins.py",
    "resources/keysets/token_bucket.py",
    "resources/feed/revocation_feed.py",
    "resources/feed/feed_follower.py",
    "resources/feed/feed_source.py",
    "resources/issuer_trust.py",
    "resources/verify.py",
    "resources/token_memory.py",
    "resources/client_address.py",
)
ALLOWED = frozenset(
    {
        *("base64", "binascii", "collections", "contextlib", "copy", "csv", "dataclasses", "datetime", "difflib"),
        *("enum", "functools", "hashlib", "hmac", "ipaddress", "itertools", "json", "math", "random.random", "re"),
        *("secrets", "shlex", "struct", "textwrap", "threading", "tomllib", "types", "typing", "unicodedata"),
        *("urllib.parse", "uuid.UUID", "weakref"),
        *("email.utils.parsedate_to_datetime", "logging.getLogger", "logging.ERROR", "logging.WARNING"),
        *("cryptography", "fido2.webauthn", "jwt.algorithms", "jwt.PyJWK", "yaml"),
    }
)
"""The foreign modules and names that a pure module may import. All others are refused.

None of them opens a file or a socket. `secrets` and `random.random` are the only input. Times of `datetime` are another
rule (tests/project/test_imports.py).
"""
ALLOWED_IN = {
    ("resources.keysets.flight", "os.register_at_fork"): "renews the locks in a forked process",
    ("resources.thread_limit", "os.register_at_fork"): "empties the counts in a forked process",
    ("resources.thread_limit", "time.monotonic"): "is the clock of the counts of this process",
    ("tokens.settings.entry_types", "os.PathLike"): "is the type of entries",
    ("tokens.settings.issuer", "pathlib.Path"): "is the type of entries",
}
"""The names that one pure module, or one that pure modules import, may use, and why."""
IO_METHODS = frozenset(
    {
        *("open", "read_text", "read_bytes", "write_text", "write_bytes", "unlink", "mkdir", "rmdir", "touch"),
        *("iterdir", "rglob", "urlopen"),
    }
)
"""Names of functions and methods that read or change files, on any object."""
IO_BUILTINS = frozenset({"__import__", "breakpoint", "eval", "exec", "input", "print"})
"""Built-in functions that read or write, or that run code that no rule checks."""
TOOLKIT = ("oauthlib", "oauth2_provider")
TOOLKIT_ROOMS = ("tokens/authorize/", "tokens/models/client.py", "tokens/checks/oauth.py", "tokens/admin/__init__.py")
NOUNS = frozenset({"ring", "keyring", "feed", "testing"})
"""Words that end like a participle and are none. `resources.testing` is a name that users import."""
ENDINGS = (
    *("abilities", "ability", "ations", "ation", "itions", "ition", "ments", "ment", "ances", "ance", "able", "ible"),
    *("ings", "ing", "ions", "ion", "ies", "ers", "er", "ors", "or", "ed", "es", "s", "e", "y"),
)
IRREGULAR = frozenset({"done", "found", "gone", "held", "kept", "known", "shown", "told"})
REPEATED = {"Command", "Meta"}
"""Class names that Django requires."""

DECISIONS = 3
"""A module whose functions decide at most this often is covered by the tests of its callers."""
PLACES = ("tests/services", "tests/proxies")
"""Folders whose tests drive modules with real parts: databases, PKCS#11 tokens, proxies."""

# Modules without tests of their own by the rules of `is_tested`, by the tests that cover them: each is reached only
# through a request, a page or a command, which needs the whole issuer.
COVERED = {
    "tests/tokens/handover/test_toolkit.py": "handover/former_key handover/toolkit_client handover/toolkit_token",
    "tests/tokens/handover/test_user_import.py": "handover/dump_user management/commands/import_users",
    "tests/tokens/manifest/test_plan.py": "management/commands/apply management/commands/export manifest/api_part"
    " manifest/change manifest/client_part manifest/policy_part manifest/preset manifest/prune"
    " manifest/registry_export manifest/run",
    "tests/tokens/account/test_browser_session.py": "views/sessions",
    "tests/tokens/account/test_client_access.py": "views/applications",
    "tests/tokens/admin/": "admin/audit_filter admin/client_form admin/keys_field admin/permission_choice"
    " admin/ring_page admin/scope_form",
    "tests/tokens/admin/test_delegation.py": "admin/client_rights",
    "tests/tokens/claims/test_source.py": "triggers/profile_change",
    "tests/tokens/management/test_certification_setup.py": "registration/certification_plan",
    "tests/tokens/models/": "models/client_problems",
    "tests/tokens/open_clients/test_document_client.py": "open_clients/document_row open_clients/scope_policy"
    " views/document_gate",
    "tests/tokens/open_clients/test_hostile_documents.py": "open_clients/document_rules",
    "tests/tokens/views/test_dynamic_registration.py": "open_clients/dynamic_client open_clients/dynamic_metadata"
    " open_clients/registration_answer"
    " views/json_body",
    "tests/tokens/views/test_form_post.py": "authorize/response authorize/response_mode",
    "tests/tokens/admin/test_verify_email.py": "email_proof",
    "tests/tokens/views/test_factors.py": "views/account_adapter views/factor_forms",
    "tests/tokens/management/test_create_api.py": "management/api_options",
    "tests/tokens/keys/test_broken_rows.py": "checks/ring_health",
    "tests/tokens/management/test_inspect_token.py": "admin/inspection",
    "tests/tokens/grants/test_revocation_second.py": "revoking/signals",
    "tests/services/test_admin_lists.py": "triggers/prefix_index",
    "tests/tokens/views/test_authorize.py": "authorize/consent_text"
    " authorize/login_session"
    " authorize/server views/authorization_answer views/login_detour",
    "tests/tokens/views/test_device.py": "grants/device_authorization grants/device_code",
    "tests/tokens/checks/test_fapi2_clauses.py": "checks/fapi2_judges management/commands/conformance",
    "tests/tokens/views/test_jar.py": "authorize/request_signature",
    "tests/tokens/views/test_par.py": "authorize/request_push views/request_reference",
    "tests/tokens/test_outbound.py": "public_networks",
    "tests/tokens/management/test_create_client.py": "management/client_fields management/client_options",
    "tests/tokens/management/test_recipes.py": "management/recipe_options recipes/configuration recipes/overview"
    " registration/less_strict",
    "tests/tokens/views/test_health.py": "views/operator",
    "tests/tokens/views/test_revoke.py": "revoking/introspection views/introspection",
    "tests/tokens/views/test_token.py": "grants/base grants/user_response views/endpoint",
    "tests/tokens/views/test_unavailable.py": "registry_lock",
}
# The same for `resources`: these modules are reached through a request, a setting or a command, or have tests beside
# those of the module that uses them.
COVERED_IN_SERVER = {
    "tests/project/test_edge.py": "edge",
    "tests/resources/issuers/test_trusts.py": "feed/feed_address",
    "tests/resources/management/test_check_issuer.py": "issuers/inspection issuers/pem_folder",
    "tests/resources/telemetry/test_metrics.py": "apps",
    "tests/resources/test_conf.py": "anonymous_access settings/dpop_settings settings/entry_values"
    " settings/issuer_settings",
    "tests/resources/test_mutants.py": "jose/compact_jws",
    "tests/resources/test_permissions.py": "scope_needs",
    "tests/resources/test_views.py": "operator",
}


ISSUER = {name: path for name, path in MODULES.items() if name.startswith("tokens.")}
SERVER = {name: path for name, path in MODULES.items() if name.startswith("resources.")}
WIRING = {name: path for name, path in MODULES.items() if name.startswith("project.")}


def room(module: str) -> str:
    """Return the room of a module: its top-level folder, or its name if it is in no folder.

    The modules and folders of APART are rooms of their own.
    """
    parts = module.split(".")
    return "/".join(parts[1 : 3 if ".".join(parts[:3]) in APART else 2])


def wrong_imports(module: str, parsed: ast.Module) -> list[str]:
    """Return a message for each import of a room that the table of permitted imports does not allow."""
    package, own = module.partition(".")[0], room(module)
    allowed = {own, *TABLES[package][own].split()}
    return [
        f"line {line}: {own} may not import {name}"
        for line, name in imports(parsed)
        if name.startswith(f"{package}.") and room(name) not in allowed
    ]


def typing_lines(parsed: ast.Module) -> set[int]:
    """Return the lines in the blocks `if TYPE_CHECKING:`, which Python does not run."""
    return {
        line
        for node in walk(parsed)
        if isinstance(node, ast.If) and dotted(node.test) in {"TYPE_CHECKING", "typing.TYPE_CHECKING"}
        for statement in node.body
        for line in range(statement.lineno, (statement.end_lineno or statement.lineno) + 1)
    }


@once_per_tree
def run_imports(parsed: ast.Module) -> frozenset[str]:
    """Return the modules that a module imports when it runs, also those that its functions import."""
    skipped = typing_lines(parsed)
    return frozenset(name for line, name in imports(parsed) if line not in skipped)


def cycle(package: str, trees: dict[str, ast.Module]) -> list[str]:
    """Return the modules of a cycle of imports within `package`, from a module to itself, or [] without a cycle.

    `trees` has the syntax tree of each module by name. Imports in functions count, but not those for type checkers.
    """
    own = {name: parsed for name, parsed in trees.items() if name.partition(".")[0] == package}
    imported = {name: run_imports(parsed) & own.keys() for name, parsed in own.items()}
    try:
        TopologicalSorter(imported).prepare()
    except CycleError as error:
        return list(error.args[1])
    return []


def claims_purity(parsed: ast.Module) -> bool:
    """Return True if the module's docstring says that the module is pure (does no input or output)."""
    return re.search(r"\bPure\b", ast.get_docstring(parsed) or "") is not None


@cache
def pure_modules() -> tuple[str, ...]:
    """Return the modules in `PURE`, and those whose docstring says that they are pure."""
    return tuple(
        name
        for name, path in MODULES.items()
        if path.relative_to(ROOT).as_posix().startswith(PURE)
        or ("Pure" in path.read_text(encoding="utf-8") and claims_purity(tree(path)))  # parsing 700 modules takes 1 s
    )


def io_calls(parsed: ast.Module) -> list[str]:
    """Return a message for each call that reads or writes a file or a terminal."""
    calls = [node for node in walk(parsed) if isinstance(node, ast.Call)]
    return [
        f"line {call.lineno}: calls {ast.unparse(call.func)}"
        for call in calls
        if last_name(call.func) in IO_METHODS or (isinstance(call.func, ast.Name) and call.func.id in IO_BUILTINS)
    ]


@cache
def allowed_in(module: str) -> frozenset[str]:
    """Return the foreign modules and names that a pure module may import."""
    return ALLOWED | {name for own, name in ALLOWED_IN if own == module}


def is_allowed(module: str, name: str) -> bool:
    """Return True if `name`, or a module that it is in, is in ALLOWED, or in ALLOWED_IN for `module`."""
    return within(name, *allowed_in(module))


def is_partly_allowed(module: str, name: str) -> bool:
    """Return True if `module` may use something of the module `name`, such as `UUID` of `uuid`."""
    return is_allowed(module, name) or any(within(allowed, name) for allowed in allowed_in(module))


def foreign_imports(parsed: ast.Module) -> list[tuple[int, str, bool]]:
    """Return the line and the name of each import that is of no module of MODULES, and True if it binds a module.

    `import os` binds a module. `from os import remove` is an import of `os.remove`.
    """
    imported = [(line, name, False) for line, name in loaded(parsed) if module_of(name) not in MODULES]
    for node in walk(parsed):
        if isinstance(node, ast.Import):
            imported += [(node.lineno, alias.name, True) for alias in node.names if alias.name not in MODULES]
        elif isinstance(node, ast.ImportFrom) and node.module not in MODULES:
            imported += [(node.lineno, f"{node.module}.{alias.name}", False) for alias in node.names]
    return imported


def foreign_uses(parsed: ast.Module) -> set[str]:
    """Return the qualified names of all imports and uses of foreign modules."""
    return {*(name for _, name, _ in foreign_imports(parsed)), *(name for _, name in module_uses(parsed))}


def module_uses(parsed: ast.Module) -> list[tuple[int, str]]:
    """Return the line and the qualified name of each use of a module that `import` binds, such as `os.remove`.

    A use without an attribute, such as `load(os)`, has the name of the module.
    """
    aliases = [alias for node in walk(parsed) if isinstance(node, ast.Import) for alias in node.names]
    bound = {alias.asname: alias.name for alias in aliases if alias.asname}
    bound |= {name: name for alias in aliases if not alias.asname for name in [alias.name.partition(".")[0]]}
    names = [node for node in walk(parsed) if isinstance(node, ast.Attribute | ast.Name)]
    inner = {id(node.value) for node in names if isinstance(node, ast.Attribute)}
    uses = [(node.lineno, *dotted(node).partition(".")) for node in names if id(node) not in inner]
    return [(line, f"{bound[first]}{dot}{rest}") for line, first, dot, rest in uses if first in bound]


@cache
def own_input_or_output(module: str, parsed: ast.Module) -> tuple[str, ...]:
    """Return a message for each import, use and call in the module itself that a pure module may not have."""
    imported = [
        f"line {line}: imports {name}"
        for line, name, is_module in foreign_imports(parsed)
        if not (is_partly_allowed(module, name) if is_module else is_allowed(module, name))
    ]
    used = [
        f"line {line}: uses {name}"
        for line, name in module_uses(parsed)
        if not is_allowed(module, name) and is_partly_allowed(module, name.partition(".")[0])
    ]
    return (*imported, *used, *io_calls(parsed))


def input_or_output(module: str, parsed: ast.Module) -> list[str]:
    """Return a message for each import, use and call that `module` may not have if it is pure.

    The modules that it imports are checked, too. Each of them is visited once, by a shortest path of imports, which the
    message names. The search does not go on behind a module that has messages of its own.
    """
    messages = []
    seen = {module}
    waiting = deque([("", module, parsed)])
    while waiting:
        path, name, code = waiting.popleft()
        own = own_input_or_output(name, code)
        messages += [path + message for message in own]
        for line, other in () if own else imports(code):
            if other in MODULES and other not in seen:
                seen.add(other)
                waiting.append((f"{path}line {line}: imports {other}, which at ", other, tree(MODULES[other])))
    return messages


def toolkit_imports(module: str, parsed: ast.Module) -> list[str]:
    """Return the modules of TOOLKIT that a module imports although it is in none of TOOLKIT_ROOMS."""
    if ISSUER[module].relative_to(ROOT).as_posix().startswith((*TOOLKIT_ROOMS, "tokens/migrations/")):
        return []
    return [name for _, name in imports(parsed) if name.partition(".")[0] in TOOLKIT]


def stem(name: str) -> str:
    """Return the name of a module without the grammatical ending of its last word, for example without "ing"."""
    ending = next((end for end in ENDINGS if name.endswith(end) and len(name.rpartition("_")[2]) - len(end) >= 3), "")
    return name.removesuffix(ending)


def alike(names: list[str]) -> list[set[str]]:
    """Return each set of two or more module names that differ only by a grammatical ending."""
    groups = defaultdict(set)
    for name in names:
        groups[stem(name)].add(name)
    return [group for group in groups.values() if len(group) > 1]


def named(package: str) -> list[str]:
    """Return the names of a package's modules, without the dotted path.

    Commands are left out, because operators type their names. `serve` is left out, too, because it is the command
    `keyturn serve`.
    """
    own = [
        (name, path) for name, path in MODULES.items() if name.startswith(f"{package}.") and "migrations" not in name
    ]
    names = [name.rpartition(".")[2] for name, path in own if path.name != "__init__.py"]
    commands = {"serve", *(path.stem for path in MODULES.values() if path.parent.name == "commands")}
    return [name for name in names if name not in commands]


def is_participle(name: str) -> bool:
    """Return True if a word of a module's name is a participle."""
    return any((word.endswith(("ing", "ed")) and word not in NOUNS) or word in IRREGULAR for word in name.split("_"))


def test_every_room_is_in_the_table_and_every_room_of_the_table_exists() -> None:
    assert {room(name) for name in ISSUER} == set(TABLE)
    assert {room(name) for name in SERVER} == set(SERVER_TABLE)
    assert {room(name) for name in WIRING} == set(WIRING_TABLE)


@pytest.mark.parametrize("package", ["tokens", "resources"])
def test_contributing_lists_every_room(package: str) -> None:
    _, _, rooms = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8").partition(f"The rooms of `{package}/`")
    table = rooms.partition("|\n\n")[0]
    assert [name for name in TABLES[package] if f"`{name}`" not in table and f"`{name}/`" not in table] == []


def test_the_issuers_docstring_lists_every_room() -> None:
    docstring = ast.get_docstring(tree(MODULES["tokens"])) or ""
    assert [name for name in TABLE if f"`{name}`" not in docstring] == []


def test_the_docstring_of_a_package_names_each_of_its_modules() -> None:
    unnamed = [
        path.relative_to(ROOT).as_posix()
        for path in (*MODULES.values(), *modules("bench").values())
        if path.name != "__init__.py" and "migrations" not in path.parts
        if f"`{path.stem}`" not in (ast.get_docstring(tree(path.parent / "__init__.py")) or "")
    ]
    assert unnamed == []


@pytest.mark.parametrize("table", TABLES.values(), ids=TABLES)
def test_a_room_imports_only_rooms_below_it(table: dict[str, str]) -> None:
    order = list(table)
    up = [(own, other) for own in table for other in table[own].split() if order.index(other) <= order.index(own)]
    assert up == []


@pytest.mark.parametrize("module", [*ISSUER, *SERVER, *WIRING])
def test_a_module_imports_only_rooms_that_its_own_may(module: str) -> None:
    assert wrong_imports(module, tree(MODULES[module])) == []


@pytest.mark.parametrize("package", ["tokens", "resources", "project"])
def test_no_modules_import_each_other_in_a_cycle(package: str) -> None:
    assert cycle(package, {name: tree(path) for name, path in MODULES.items()}) == []


@pytest.mark.parametrize(
    ("module", "line"),
    [
        ("resources.jose.compact_jws", "from ..verify import check_times"),
        ("resources.errors", "def late():\n    from . import authentication"),
        ("resources.jose.jwk", "import resources.token_memory"),
        ("tokens.models.user", "from tokens.issued import user_grant"),
        ("tokens.keys.read_cache", "def late():\n    from tokens.keys import keyring"),
        ("tokens.jose.compact", "if not TYPE_CHECKING:\n    from tokens.dpop import proof"),
    ],
)
def test_a_cycle_of_imports_is_caught(module: str, line: str) -> None:
    assert module in cycle(module.partition(".")[0], with_line(module, line))


def test_an_import_for_type_checkers_makes_no_cycle() -> None:
    line = "if TYPE_CHECKING:\n    from tokens.keys import keyring"
    assert cycle("tokens", with_line("tokens.keys.read_cache", line)) == []


def with_line(module: str, line: str) -> dict[str, ast.Module]:
    """Return the syntax tree of every module by name, in which the line is added to `module`."""
    path = MODULES[module]
    source = f"{path.read_text(encoding='utf-8')}\n{line}\n"
    trees = {name: tree(path) for name, path in MODULES.items()}
    return trees | {module: absolute(source, path.relative_to(ROOT).as_posix())}


@pytest.mark.parametrize("package", TABLES)
def test_each_import_that_the_table_allows_exists(package: str) -> None:
    own = {name: path for name, path in MODULES.items() if name.startswith(f"{package}.")}
    made = {
        (room(name), room(other))
        for name, path in own.items()
        for _, other in imports(tree(path))
        if other.startswith(f"{package}.")
    }
    allowed = {(name, other) for name, others in TABLES[package].items() for other in others.split()}
    assert allowed - made == set()


@pytest.mark.parametrize("module", pure_modules())
def test_a_pure_module_does_no_input_or_output_nor_does_what_it_imports(module: str) -> None:
    assert input_or_output(module, tree(MODULES[module])) == []


@pytest.mark.parametrize("module", ISSUER)
def test_the_toolkit_stays_in_its_room(module: str) -> None:
    assert toolkit_imports(module, tree(ISSUER[module])) == []


@pytest.mark.parametrize("line", ["import oauthlib", "from oauth2_provider import models"])
def test_an_import_of_the_toolkit_elsewhere_is_caught(line: str) -> None:
    assert toolkit_imports("tokens.grants.base", ast.parse(line))
    assert not toolkit_imports("tokens.authorize.server", ast.parse(line))


@pytest.mark.parametrize(
    ("module", "line"),
    [
        ("tokens.models.user", "from tokens.views import pages"),
        ("tokens.models.user", "import tokens.views.pages"),
        ("tokens.issued.access_token", "from tokens.grants.base import Tokens"),
        ("tokens.jose.compact", "from tokens.keys import store"),
        ("tokens.keys.rules.moves", "from tokens.models import Api"),
        ("tokens.grants.base", "def late():\n    from tokens.authorize import server"),
        ("tokens.revoking.purge", "from tokens.grants import request"),
        ("project.settings.issuer", "from project.drill import ledger"),
        ("project.settings.base", "from project.launch.environment import ROOT"),
        ("project.front.lanes", "from project.launch import serve"),
        ("project.postgresql.pool", "from project.metrics import state"),
        ("resources.jose.jwk", "from ..outbound import fetch"),
        ("resources.verify", "from .feed.feed_follower import Follower"),
        ("resources.keysets.keyset", "from ..conf import resource_server"),
        ("resources.dpop.proof", "def late():\n    from .. import possession"),
        ("resources.revocations.refusals", "from resources.issuer_trust import TrustedIssuer"),
        ("resources.permissions", "from .authentication import JWTAuthentication"),
    ],
)
def test_a_wrong_import_is_caught(module: str, line: str) -> None:
    assert wrong_imports(module, absolute(line, MODULES[module].relative_to(ROOT).as_posix()))


@pytest.mark.parametrize(
    ("module", "line"),
    [
        ("tokens.views.token", "from tokens.authorize import backend"),
        ("tokens.grants.base", "from tokens.grants.request import ClientRequest"),
        ("tokens.models.user", "from django.db import models"),
        ("tokens.keys.rules.succession", "from tokens.keys.errors import Unsafe"),
        ("project.settings.standalone", "from project.launch.environment import use_development_environment"),
        ("project.launch.serve", "from project.settings import environment"),
        ("resources.feed.feed_follower", "from .feed_source import Source"),
        ("resources.keysets.discovery", "from ..outbound import fetch"),
        ("resources.management.commands.check_issuer", "from ...issuers.trusts import trusts"),
    ],
)
def test_a_right_import_is_not_caught(module: str, line: str) -> None:
    assert not wrong_imports(module, absolute(line, MODULES[module].relative_to(ROOT).as_posix()))


@pytest.mark.parametrize(
    "module", ["tokens.keys.rules.moves", "tokens.issued.revocation_key", "tokens.admin.key_picture"]
)
@pytest.mark.parametrize(
    "line",
    [
        "from django.utils import timezone",
        "import urllib.request",
        "from urllib import request",
        "from http import client",
        "import ssl",
        "import asyncio",
        "from urllib3.util import Retry",
        "from tokens import conf",
        "text = open('/etc/hostname').read()",
        "text = Path('/etc/hostname').read_text()",
        "Path('/tmp/a').write_bytes(b'')",
        "with Path('/tmp/a').open() as file: ...",
        "import smtplib",
        "import os\nos.remove('x')",
        "from os import remove",
        "import os.path",
        "import time",
        "from pathlib import Path",
        "from email import utils",
        "import uuid\nnode = uuid.getnode()",
        "import uuid as ids\nload(ids)",
        "import urllib.parse\nurllib.request.urlopen('http://a.example')",
        "import logging\nlogging.FileHandler('/tmp/a')",
        "from jwt import PyJWKClient",
        "import importlib",
        "load = __import__(name)",
        "load = __import__('smtplib')",
        "print('a')",
        "path.unlink()",
        "import examples.webapp",
    ],
)
def test_input_or_output_in_a_pure_module_is_caught(module: str, line: str) -> None:
    assert module in pure_modules()
    path = MODULES[module]
    source = path.read_text(encoding="utf-8")
    assert input_or_output(module, absolute(f"{source}\n{line}\n", path.relative_to(ROOT).as_posix()))


LOADS = [
    'from importlib import import_module\nimport_module("{}")',
    'import importlib\nimportlib.import_module("{}")',
    'from importlib import import_module as load\nload("{}")',
    '__import__("{}")',
    'from django.utils.module_loading import import_string\nimport_string("{}.name")',
    'PLACE = "{}.name"\nimport_string(PLACE)',
    'import_string(f"{}.{{name}}")',
    'import_string("{}." + name)',
    'import_string("{}.%s" % name)',
]
"""Imports by functions whose argument names the module or an object in it."""


@pytest.mark.parametrize("load", LOADS)
def test_an_import_by_a_function_that_gets_a_literal_is_caught_by_each_rule(load: str) -> None:
    assert wrong_imports("tokens.models.user", ast.parse(load.format("tokens.views.pages")))
    assert not wrong_imports("tokens.views.token", ast.parse(load.format("tokens.models.user")))
    assert "tokens.keys.read_cache" in cycle(
        "tokens", with_line("tokens.keys.read_cache", load.format("tokens.keys.keyring"))
    )
    assert toolkit_imports("tokens.grants.base", ast.parse(load.format("oauthlib.oauth2")))
    assert input_or_output("tokens.jose.compact", ast.parse(load.format("tokens.conf")))


def test_an_import_of_a_package_whose_modules_a_variable_names_is_caught() -> None:
    assert wrong_imports("tokens.models.user", ast.parse('import_module(f"tokens.{room}.pages")'))


@pytest.mark.parametrize(
    "line",
    ["from .outbound import fetch", "from .outbound.fetch import Fetcher", "from .outbound.wire import Connection"],
)
def test_a_relative_import_that_is_impure_is_caught(line: str) -> None:
    assert input_or_output("resources.verify", absolute(line, "resources/verify.py"))
    assert not input_or_output("resources.verify", absolute("from .jose.jwk import FAMILIES", "resources/verify.py"))


@pytest.mark.parametrize(
    ("module", "line"),
    [
        ("tokens.jose.compact", "import uuid\nkey = uuid.UUID(int=0)"),
        ("tokens.jose.compact", "import urllib.parse\nurllib.parse.urlsplit('http://a.example')"),
        ("tokens.jose.compact", "import logging as logs\nlogger = logs.getLogger()"),
        ("tokens.jose.compact", "from email.utils import parsedate_to_datetime"),
        ("tokens.jose.compact", "answer = client.input(text)"),
        ("resources.keysets.flight", "import os\nos.register_at_fork(before=_renew_all)"),
        ("tokens.settings.issuer", "from pathlib import Path"),
    ],
)
def test_a_use_without_input_or_output_is_not_caught(module: str, line: str) -> None:
    assert input_or_output(module, with_line(module, line)[module]) == []


def test_an_exception_permits_one_name_to_one_module() -> None:
    for module, line in [
        ("resources.keysets.flight", "os.remove('x')"),
        ("tokens.jose.compact", "os.register_at_fork()"),
    ]:
        assert input_or_output(module, with_line(module, f"import os\n{line}")[module])


def test_each_name_that_a_pure_module_may_import_is_used() -> None:
    reached = {*pure_modules(), *(module for module, _ in ALLOWED_IN)}
    used = {(module, name) for module in reached for name in foreign_uses(tree(MODULES[module]))}
    assert {allowed for allowed in ALLOWED if not any(within(name, allowed) for _, name in used)} == set()
    assert {(own, name) for own, name in ALLOWED_IN if (own, name) not in used} == set()


def test_the_message_about_input_or_output_names_the_imports_on_the_way() -> None:
    changed = with_line("resources.keysets.token_bucket", "from .. import plain_views")[
        "resources.keysets.token_bucket"
    ]
    messages = input_or_output("resources.keysets.token_bucket", changed)
    assert re.fullmatch(
        r"line \d+: imports resources\.plain_views, which at line \d+: imports django\.\S+", messages[0]
    )
    ends = [message.rpartition("imports resources.")[2].partition(",")[0] for message in messages]
    assert {"plain_views"} == set(ends)


def test_a_module_that_several_imports_reach_is_reported_once() -> None:
    lines = "from .. import authentication, plain_views\nfrom ..plain_views import with_authentication"
    changed = with_line("resources.keysets.token_bucket", lines)["resources.keysets.token_bucket"]
    messages = input_or_output("resources.keysets.token_bucket", changed)
    ends = [re.sub(r"^.*imports (resources\.\w+, which)", r"\1", message) for message in messages]
    assert len(set(ends)) == len(ends) > 1


def test_no_two_modules_of_a_package_differ_by_an_ending() -> None:
    assert {
        package: groups for package in ("tokens", "resources", "project") if (groups := alike(named(package)))
    } == {}


@pytest.mark.parametrize(
    "pair",
    [
        ("moves", "moving"),
        ("signers", "signing"),
        ("unavailability", "unavailable"),
        ("grant", "grants"),
        ("revocation_key", "revocation_keys"),
        ("introspect", "introspection"),
    ],
)
def test_names_that_differ_by_an_ending_are_caught(pair: tuple[str, str]) -> None:
    assert alike([*pair, "rings", "user_grant"]) == [set(pair)]


def test_names_that_differ_by_a_word_are_not_caught() -> None:
    assert alike(["revocation", "revocation_key", "key_pair", "keyring", "store", "policy", "purge"]) == []


def test_no_module_is_named_by_a_participle() -> None:
    assert [
        name for package in ("tokens", "resources", "project") for name in named(package) if is_participle(name)
    ] == []


@pytest.mark.parametrize("name", ["held", "refreshing", "restored", "signing", "pending_request"])
def test_a_participle_is_caught(name: str) -> None:
    assert is_participle(name)


def test_no_class_name_stands_twice_in_the_issuers_process() -> None:
    classes = defaultdict(list)
    for name, path in MODULES.items():
        if not name.startswith(("resources", "tokens.migrations")):
            for node in walk(tree(path)):
                if isinstance(node, ast.ClassDef) and node.name not in REPEATED:
                    classes[node.name].append(f"{name}:{node.lineno}")
    assert {name: places for name, places in classes.items() if len(places) > 1} == {}


def test_each_of_the_seven_steps_opens_exactly_one_docstring() -> None:
    assert sorted(number for number, _, _ in steps()) == list(range(1, STEPS + 1))


def mirror(module: str) -> str:
    """Return the path of the test module that mirrors a module, relative to tests/ and without `.py`."""
    package, _, name = module.replace(".management.commands.", ".management.").rpartition(".")
    return f"{package.replace('.', '/')}/test_{name}"


BRANCHES = (
    *(ast.If, ast.IfExp, ast.For, ast.While, ast.Try, ast.Match, ast.BoolOp, ast.comprehension, ast.Compare),
    ast.Raise,
)


@once_per_tree
def decisions(parsed: ast.Module) -> int:
    """Return how many branches, loops, comparisons and `raise` statements the functions of a module have."""
    functions = [node for node in walk(parsed) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]
    return len({node for function in functions for node in ast.walk(function) if isinstance(node, BRANCHES)})


TESTS = {path: path.relative_to(ROOT / "tests").as_posix() for path in sorted((ROOT / "tests").rglob("test_*.py"))}


def is_tested(name: str, path: Path, tests: dict[Path, str] = TESTS) -> bool:
    """Return True if a module has a test module, or needs none. One of these conditions must be true:

    1. The module has at most DECISIONS decisions. Examples are tables, dataclasses and settings.
    2. A test module has the name of the module, and is in tests/services or in the folder of the module's package:
       tests/tokens or tests/resources.
    3. A test module of the module's room, or of PLACES, imports the module.
    """
    if decisions(tree(path)) <= DECISIONS:
        return True
    wanted = re.compile(rf"(^|.*/)test_{re.escape(name.rpartition('.')[2])}(_\w+)?\.py")
    places = (f"{name.partition('.')[0]}/", "services/")
    if any(wanted.fullmatch(test) for test in tests.values() if test.startswith(places)):
        return True
    folders = {mirror(name).rpartition("/")[0], *(place.removeprefix("tests/") for place in PLACES)}
    near = [path for path, test in tests.items() if test.rpartition("/")[0] in folders]
    # Most tests do not contain the module's name, and need not be parsed.
    last = name.rpartition(".")[2]
    return any(last in text(test) and name in imported_by(test) for test in near)


@cache
def text(path: Path) -> str:
    return path.read_text(encoding="utf-8")


@cache
def imported_by(path: Path) -> frozenset[str]:
    """Return the modules that a test module imports. Its tree is not kept: the trees of all tests take 160 MB."""
    return frozenset(name for _, name in imports(absolute(text(path), path.relative_to(ROOT).as_posix())))


def untested(modules: dict[str, Path]) -> set[str]:
    """Return the modules that have no tests of their own, by the names that they have in COVERED."""
    return {
        name.partition(".")[2].replace(".", "/")
        for name, path in modules.items()
        if path.name != "__init__.py" and "migrations" not in path.parts and not is_tested(name, path)
    }


@pytest.mark.parametrize(
    ("source", "number"),
    [
        ("LIMIT = 3 if True else 4", 0),
        ("def f(x):\n    return g(x)", 0),
        ("def f(x):\n    if x > 1:\n        raise X", 3),
        ("class A:\n    def f(self):\n        return [x for x in self.y if x]", 1),
    ],
)
def test_decisions_are_counted_in_functions_only(source: str, number: int) -> None:
    assert decisions(ast.parse(source)) == number


@pytest.mark.parametrize(
    ("name", "test"),
    [
        ("tokens.keys.lock", "tokens/keys/test_lock.py"),
        ("tokens.keys.lock", "tokens/keys/test_lock_wait.py"),
        ("tokens.keys.lock", "services/test_lock.py"),
        ("tokens.management.commands.keys", "tokens/management/test_keys.py"),
    ],
)
def test_a_mirrored_test_module_counts_and_none_does_not(name: str, test: str) -> None:
    assert is_tested(name, ISSUER[name], {ROOT / "tests" / test: test})
    assert not is_tested(name, ISSUER[name], {})
    assert not is_tested(name, ISSUER[name], {ROOT / "tests/resources/test_lock.py": "resources/test_lock.py"})


def test_a_module_has_a_test_module_or_stands_in_the_list() -> None:
    assert untested(ISSUER) == {name for names in COVERED.values() for name in names.split()}
    assert untested(SERVER) == {name for names in COVERED_IN_SERVER.values() for name in names.split()}


def strays(tests: Iterable[str]) -> list[str]:
    """Return the test modules in the folder of a room of `resources` that mirror no module of the room.

    A test module can have a longer name than the module. The folder tests/resources itself has tests of several rooms.
    """
    mirrors = [mirror(name) for name, path in SERVER.items() if path.name != "__init__.py"]
    inside = [test for test in tests if test.startswith("resources/") and test.count("/") > 1]
    return [test for test in inside if not any(test.startswith((f"{own}.py", f"{own}_")) for own in mirrors)]


def test_each_test_module_in_a_room_of_the_resource_server_mirrors_a_module_of_the_room() -> None:
    assert strays(TESTS.values()) == []


def test_a_test_module_in_the_folder_of_another_room_is_caught() -> None:
    wrong = ["resources/feed/test_keyset.py", "resources/dpop/test_dpop_proof.py"]
    right = ["resources/keysets/test_keyset.py", "resources/keysets/test_keyset_flood.py", "resources/test_fuzz.py"]
    assert strays([*wrong, *right]) == wrong


@pytest.mark.parametrize("path", [*COVERED, *COVERED_IN_SERVER])
def test_the_tests_that_the_list_names_exist(path: str) -> None:
    assert (ROOT / path).exists()


IN_DATABASE = {"tests/tokens/keys/test_seal.py": "changes stored rows by hand, and asks whether their keys are used"}
"""Test modules of pure modules that need the database in each test, and why."""


def marks_database(parsed: ast.Module) -> bool:
    """Return True if a test module gives access to the database to all of its tests (`pytestmark`)."""
    assigned = [node for node in parsed.body if isinstance(node, ast.Assign)]
    return any("pytestmark" in map(ast.unparse, node.targets) and "django_db" in ast.unparse(node) for node in assigned)


@pytest.mark.parametrize(
    ("source", "is_marked"),
    [
        ("pytestmark = pytest.mark.django_db", True),
        ('pytestmark = [pytest.mark.usefixtures("signer"), pytest.mark.django_db(transaction=True)]', True),
        ("@pytest.mark.django_db\ndef test_x(): ...", False),
        ('pytestmark = pytest.mark.usefixtures("signer")', False),
    ],
)
def test_a_module_wide_mark_of_the_database_is_found(source: str, is_marked: bool) -> None:
    assert marks_database(ast.parse(source)) is is_marked


def test_the_tests_of_a_pure_module_need_no_database() -> None:
    tests = [ROOT / "tests" / f"{mirror(name)}.py" for name in pure_modules()]
    named = [path for path in tests if path.exists() and "pytestmark" in text(path)]
    marked = {path.relative_to(ROOT).as_posix() for path in named if marks_database(ast.parse(text(path)))}
    assert marked == set(IN_DATABASE)


def listed(docstring: str) -> list[str]:
    """Return the module names that a room's docstring lists in reading order.

    Each entry of the list has its names before the colon.
    """
    heads = re.findall(r"^- (`[^:]+`):", docstring, re.MULTILINE)
    return [name for head in heads for name in re.findall(r"`(\w+)`", head)]


UNLISTED = {"management", "migrations", "cut_off", "notes", "user_links"}
"""Folders whose modules Django or Python finds by their names."""
ROOMS = [path for name, path in (ISSUER | SERVER).items() if path.name == "__init__.py"]
WIRING_PACKAGES = [
    path
    for name, path in MODULES.items()
    if path.name == "__init__.py" and name.partition(".")[0] == "project" and not UNLISTED & set(path.parts)
]


@pytest.mark.parametrize("path", [path for path in ROOMS if not UNLISTED & set(path.parts)], ids=str)
def test_a_rooms_docstring_says_what_it_owns_and_lists_its_modules_once(path: Path) -> None:
    docstring = ast.get_docstring(tree(path)) or ""
    assert [word for word in ("Owns:", "Does not own:", "Steps:", "Neighbours:") if word not in docstring] == []
    assert sorted(listed(docstring)) == sorted(p.stem for p in path.parent.glob("*.py") if p.name != "__init__.py")


NAMES = r"`[\w/]+`(?:(?:,| and|, and) `[\w/]+`)*"
LIST = re.compile(rf"\b(imports?|imported by) ({NAMES})( only)?", re.IGNORECASE)
"""A clause that names neighbours. The word "only" says that the list is complete."""
NOTHING = re.compile(rf"\bimports (?:nothing|no other package) of (the issuer|this project|{NAMES})", re.IGNORECASE)
WHOLE = {"the issuer": {"tokens", *TABLE}, "this project": {*TABLES, *TABLE, *WIRING_TABLE}}


@cache
def imported_modules() -> dict[str, frozenset[str]]:
    """Return the modules of MODULES that each module imports."""
    return {
        name: frozenset(other for _, other in imports(tree(path)) if other in MODULES) for name, path in MODULES.items()
    }


@cache
def neighbours(package: str) -> tuple[frozenset[str], frozenset[str]]:
    """Return what the room `package` imports, and what imports it, or the same for a whole top-level package.

    Rooms of the same top-level package have their own names. All others have the name of their top-level package.
    """
    top, own = package.partition(".")[0], room(package)
    inside = {name for name in MODULES if within(name, top) and own in {"", room(name)}}

    def name(module: str) -> str:
        return (within(module, top) and room(module)) or module.partition(".")[0]

    down = {name(other) for module in inside for other in imported_modules()[module] - inside}
    up = {name(module) for module in MODULES.keys() - inside if imported_modules()[module] & inside}
    return frozenset(down), frozenset(up)


def false_neighbours(package: str, docstring: str) -> list[str]:
    """Return each clause on neighbours in the docstring of `package` that the imports of the modules contradict."""
    text = " ".join(docstring.partition("Neighbours:")[2].partition("\n\n")[0].split())
    down, up = neighbours(package)
    wrong = []
    for clause in LIST.finditer(text):
        stated, real = set(re.findall(r"[\w/]+(?=`)", clause[2])), up if clause[1].lower().endswith("by") else down
        if stated != real if clause[3] else stated - real:
            wrong.append(f"{clause[0]} (in the code: {', '.join(sorted(real))})")
    for clause in NOTHING.finditer(text):
        excluded = WHOLE.get(clause[1].lower()) or set(re.findall(r"[\w/]+(?=`)", clause[1]))
        if excluded & down:
            wrong.append(f"{clause[0]} (in the code: {', '.join(sorted(excluded & down))})")
    return wrong


@pytest.mark.parametrize(
    "path",
    sorted({MODULES["resources"], MODULES["project"], *ROOMS, *WIRING_PACKAGES}),
    ids=lambda path: path.parent.relative_to(ROOT).as_posix(),
)
def test_what_a_docstring_says_of_neighbours_is_what_the_modules_import(path: Path) -> None:
    package = ".".join(path.parent.relative_to(ROOT).parts)
    assert false_neighbours(package, ast.get_docstring(tree(path)) or "") == []


@pytest.mark.parametrize(
    ("package", "clause", "is_true"),
    [
        ("tokens.jose", "imports nothing of the issuer.", False),
        ("tokens.proxy", "imports nothing of the issuer.", True),
        ("tokens.proxy", "above all. Imports no other package of the issuer.", True),
        ("tokens.keys.rules", "imports `keys/errors` only.", False),
        ("tokens.keys.rules", "imports `keys/errors`\nand `languages` only.", True),
        ("tokens.keys.rules", "imports `keys/errors`.", True),
        ("tokens.keys.rules", "imports `keys/errors`, `languages` and `models`.", False),
        ("tokens.keys.rules", "imports `keys/errors`, `languages` and `models` only.", False),
        ("tokens.templatetags", "they import `conf` and `page_text` only.", True),
        ("tokens.templatetags", "they import `conf` only.", False),
        ("tokens.triggers", "imported by `migrations` only.", True),
        ("tokens.factors", "imported by `views` and `admin` only.", False),
        ("tokens.factors", "imported by `views` and `checks`.", False),
        ("project.front", "imports nothing of `tokens` and `admin_pages`.", False),
        ("project.front", "imports nothing of `tokens` and `resources`.", True),
        ("resources", "imports no other package of this project.", True),
        ("resources.feed", "imports `jose` and `errors` only.", False),
        ("resources.dpop", "imports `jose` and `errors` only.", True),
        ("project", "imports no other package of this project.", False),
    ],
)
def test_a_false_sentence_on_neighbours_is_caught(package: str, clause: str, is_true: bool) -> None:
    assert (false_neighbours(package, f"A room.\n\nNeighbours: {clause}\n\nRead in this order:") == []) is is_true


@pytest.mark.parametrize("path", [MODULES["resources"], *WIRING_PACKAGES], ids=str)
def test_a_docstring_of_an_outer_package_says_what_it_owns_and_lists_its_modules_and_packages_once(path: Path) -> None:
    docstring = ast.get_docstring(tree(path)) or ""
    assert [word for word in ("Owns:", "Does not own:", "Neighbours:") if word not in docstring] == []
    packages = [child.parent.name for child in path.parent.glob("*/__init__.py")]
    assert sorted(listed(docstring)) == sorted([p.stem for p in path.parent.glob("*.py") if p != path] + packages)


def test_the_resource_servers_docstring_lists_what_is_pure() -> None:
    _, _, pure = (ast.get_docstring(tree(MODULES["resources"])) or "").partition("These rooms and modules are pure:")
    stated = [f"resources.{name.replace('/', '.')}" for name in re.findall(r"`([\w/]+)`", pure.partition("\n\n")[0])]
    assert sorted(name for name in MODULES if within(name, *stated)) == sorted(
        name for name in pure_modules() if name.startswith("resources.")
    )
