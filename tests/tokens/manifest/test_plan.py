"""The commands `apply` and `export` for manifests.

`apply` is idempotent, runs in one transaction, and follows the rules of the admin. `export` writes no secrets.
"""

import json
import stat
from io import StringIO

import pytest
import yaml
from django.contrib.auth.models import Group
from django.core.management import CommandError, call_command
from django.utils import timezone
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.tokens.terminal import typed
from tokens.clients import client_secret
from tokens.models import Api, AuditEvent, Client, ClientSecret, ExchangePolicy, RegistryVersion, Scope, SigningKey
from tokens.recipes import catalog
from tokens.registration import kinds, state

pytestmark = pytest.mark.django_db
FILE = """
groups: [Accounting]
apis:
  https://orders.example/:
    name: Orders
    max_token_lifetime: 300
    gets_groups: true
    client: orders-api
    scopes:
      orders:read: See your orders
      reports:read: {description: See the reports, groups: [Accounting]}
clients:
  web:
    name: Web
    kind: web
    redirect_uris: [https://app.example/cb, https://app.example/a]
    scopes: [openid, orders:read]
    access_token_lifetime: 120
  orders-api:
    name: Orders API
    grants: ["urn:ietf:params:oauth:grant-type:token-exchange"]
  phone:
    name: Phone
    kind: native
    apis: [https://orders.example]
exchange_policies:
  - {client: orders-api, api: https://orders.example/, scopes: [orders:read]}
"""


@pytest.fixture
def apply(tmp_path):
    """Return a function that applies the text of a manifest, and returns the JSON that `apply` prints."""

    def run(text, *options):
        path, out = tmp_path / "keyturn.yaml", StringIO()
        path.write_text(text if isinstance(text, str) else json.dumps(text), encoding="utf-8")
        call_command("apply", str(path), *options, "--json", stdout=out)
        return json.loads(out.getvalue())

    return run


def export():
    """Return the manifest that `export` writes, as data."""
    out = StringIO()
    call_command("export", "--json", stdout=out)
    return json.loads(out.getvalue())


def refusal(apply, text, *options):
    """Return the lines of the error that `apply` raises, without the name of the folder."""
    with pytest.raises(CommandError) as caught:
        apply(text, *options)
    assert caught.value.returncode == 2
    return [line.rpartition("/keyturn.yaml")[2] or line for line in str(caught.value).splitlines()]


def test_a_file_becomes_the_registry(apply):
    result = apply(FILE)
    assert [(change["kind"], change["name"], change["change"]) for change in result["changes"]] == [
        ("group", "Accounting", "added"),
        ("api", "https://orders.example/", "added"),
        ("scope", "orders:read", "added"),
        ("scope", "reports:read", "added"),
        ("client", "web", "added"),
        ("client", "orders-api", "added"),
        ("client", "phone", "added"),
        ("exchange_policy", "orders-api https://orders.example/", "added"),
    ]
    web, phone = (Client.objects.get(client_id=name) for name in ("web", "phone"))
    assert web.grants == ["authorization_code", "refresh_token"]
    assert web.redirect_uris == "https://app.example/cb https://app.example/a"
    assert [scope.name for scope in web.scopes.all()] == ["orders:read"]
    assert (phone.is_public, phone.redirect_uris) == (True, "http://127.0.0.1/callback")
    assert [api.identifier for api in phone.apis.all()] == ["https://orders.example/"]
    assert Api.objects.get().client.client_id == "orders-api"
    assert Scope.objects.get(name="reports:read").groups == ["Accounting"]
    assert ExchangePolicy.objects.get().scopes.get().name == "orders:read"
    assert result["secrets"].keys() == {"web", "orders-api"}
    assert client_secret.use(client_secret.stored_of(web), result["secrets"]["web"], now=timezone.now())
    actions = list(AuditEvent.objects.order_by("pk").values_list("action", "subject", "actor"))
    assert ("client.created", "client:web", "command:apply") in actions
    assert ("exchange_policy.created", "client:orders-api", "command:apply") in actions


def test_a_second_run_writes_nothing(apply):
    apply(FILE)
    before = (AuditEvent.objects.count(), RegistryVersion.objects.get().value, ClientSecret.objects.count())
    result = apply(FILE)
    assert (result["changed"], result["changes"], result["secrets"]) == (False, [], {})
    assert (AuditEvent.objects.count(), RegistryVersion.objects.get().value, ClientSecret.objects.count()) == before


def test_a_dry_run_shows_the_difference_and_writes_nothing(apply):
    first = apply(FILE, "--dry-run")
    assert (first["dry_run"], first["changed"], first["secrets"]) == (True, True, {})
    assert [model for model in (Client, Api, AuditEvent, Group) if model.objects.exists()] == []
    apply(FILE)
    changed = FILE.replace("access_token_lifetime: 120", "access_token_lifetime: 60").replace("name: Phone", "name: P")
    result = apply(changed, "--dry-run")
    assert result["changes"] == [
        {"kind": "client", "name": "web", "change": "changed", "fields": {"access_token_lifetime": [120, 60]}},
        {"kind": "client", "name": "phone", "change": "changed", "fields": {"name": ["Phone", "P"]}},
    ]
    assert Client.objects.get(client_id="phone").name == "Phone"
    apply(changed)
    event = AuditEvent.objects.get(action="client.changed", subject="client:web")
    assert event.details == {"access_token_lifetime": ["120", "60"]}


def test_the_difference_is_readable(tmp_path):
    (tmp_path / "f.yaml").write_text(FILE)
    out = StringIO()
    call_command("apply", str(tmp_path / "f.yaml"), "--dry-run", stdout=out)
    lines = out.getvalue().splitlines()
    assert lines[0] == "dry run, nothing was changed:"
    assert "+ client web" in lines
    assert "    redirect_uris: [https://app.example/cb, https://app.example/a]" in lines
    call_command("apply", str(tmp_path / "f.yaml"), stdout=StringIO())
    (tmp_path / "f.yaml").write_text(FILE.replace("gets_groups: true", "gets_groups: false"))
    out = StringIO()
    call_command("apply", str(tmp_path / "f.yaml"), stdout=out)
    assert out.getvalue().splitlines() == ["~ api https://orders.example/", "    gets_groups: true -> false"]
    assert Api.objects.get().gets_groups is None


def test_a_field_that_is_left_out_gets_its_default(apply):
    apply(FILE)
    apply(FILE.replace("    access_token_lifetime: 120\n", ""))
    assert Client.objects.get(client_id="web").access_token_lifetime is None


def test_a_client_that_an_operator_disabled_stays_so_unless_the_file_enables_it(apply):
    apply(FILE)
    Client.objects.filter(client_id="phone").update(is_active=False)
    assert apply(FILE)["changes"] == []
    assert not Client.objects.get(client_id="phone").is_active
    apply(FILE.replace("    kind: native\n", "    kind: native\n    active: true\n"))
    assert Client.objects.get(client_id="phone").is_active


def test_one_wrong_entry_changes_nothing(apply):
    wrong = FILE.replace("https://app.example/cb", "http://app.example/cb").replace(
        "scopes: [openid, orders:read]", "scopes: [orders:delete]"
    )
    lines = refusal(apply, wrong)
    assert lines[0].startswith(":17: clients.web.scopes: There is no scope orders:delete.")
    assert lines[-1] == "nothing was changed"
    assert not Api.objects.exists()
    lines = refusal(apply, FILE.replace("https://app.example/cb", "http://app.example/cb"))
    assert lines[0].startswith(":16: clients.web.redirect_uris: http://app.example/cb: ")
    assert [model for model in (Api, AuditEvent) if model.objects.exists()] == []


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("kind: web", "kind: www", ":15: clients.web.kind: there is no kind www; known are web,"),
        ("kind: web", "recipe: nothing", ":15: clients.web.recipe: there is no recipe nothing"),
        ("kind: web", "authentication: password", ":15: clients.web.authentication: must be one of none,"),
        ("kind: web", "jwks: {keys: []}", ":15: clients.web.jwks: "),
        ("kind: web", "second_factor: sms", ":15: clients.web.second_factor: must be one of any, passkey"),
        ("kind: web", "pkce: never", ":15: clients.web.pkce: "),
        (
            "kind: native",
            "kind: native\n    skip_authorization: true\n    pkce: nonce",
            ":26: clients.phone.pkce: PKCE is",
        ),
        (
            "client: orders-api\n",
            "client: nobody\n",
            ":8: apis.https://orders.example/.client: there is no client nobody",
        ),
        ("name: Orders\n", "algorithms: [HS256]\n", ":5: apis.https://orders.example/.algorithms: "),
        ("groups: [Accounting]}", "groups: [Sales]}", ":11: apis.https://orders.example/.scopes.reports:read.groups: "),
        (
            "max_token_lifetime: 300",
            "max_token_lifetime: 100000",
            ":6: apis.https://orders.example/.max_token_lifetime",
        ),
        ("max_token_lifetime: 300", "ring: orders", ":6: apis.https://orders.example/.ring: There is no ring orders"),
        (
            "client: orders-api, api",
            "client: nobody, api",
            ":27: exchange_policies[0].client: there is no client nobody",
        ),
        ("scopes: [orders:read]}", "scopes: [orders:write]}", ":27: exchange_policies[0].scopes: Not a scope"),
        ("  web:\n", "  https://web.example:\n", ":13: clients.https://web.example.client_id: Use letters"),
    ],
)
def test_the_rules_of_the_admin_apply_and_name_the_line(apply, old, new, said):
    assert old in FILE
    lines = refusal(apply, FILE.replace(old, new, 1))
    assert any(line.startswith(said) for line in lines), lines
    assert not Client.objects.exists()


def test_a_scope_stays_with_its_api(apply):
    apply(FILE)
    moved = {"apis": {"https://other.example/": {"name": "Other", "scopes": {"orders:read": "Read"}}}}
    assert "is a scope of https://orders.example/" in refusal(apply, moved)[0]


def test_prune_deletes_what_the_file_does_not_name(apply):
    apply(FILE)
    Client.objects.create(client_id="dynamic", name="D", registered_by="dynamic", grants=[])
    small = {"apis": {"https://orders.example/": {"name": "Orders", "scopes": {"orders:read": "See your orders"}}}}
    kept = apply(small)
    assert {(entry["kind"], entry["name"]) for entry in kept["not_in_file"]} == {
        ("exchange_policy", "orders-api https://orders.example/"),
        *(("client", name) for name in ("orders-api", "phone", "web")),
        ("scope", "reports:read"),
    }
    assert Client.objects.count() == 4
    with pytest.raises(CommandError, match="--json cannot ask"):
        apply(small, "--prune")
    assert apply(small, "--prune", "--dry-run")["changed"]
    assert Client.objects.count() == 4
    apply(small, "--prune", "--yes")
    assert [client.client_id for client in Client.objects.all()] == ["dynamic"]
    assert [scope.name for scope in Scope.objects.all()] == ["orders:read"]
    deleted = set(AuditEvent.objects.filter(action__endswith=".deleted").values_list("action", "subject"))
    assert {("client.deleted", "client:web"), ("scope.deleted", "scope:reports:read")} < deleted
    assert ("exchange_policy.deleted", "client:orders-api") in deleted


def test_prune_asks_before_it_deletes(tmp_path, monkeypatch):
    (tmp_path / "f.yaml").write_text(FILE)
    call_command("apply", str(tmp_path / "f.yaml"), stdout=StringIO())
    (tmp_path / "f.yaml").write_text("{}")
    typed(monkeypatch, "no")
    out = StringIO()
    with pytest.raises(CommandError, match="nothing was changed"):
        call_command("apply", str(tmp_path / "f.yaml"), "--prune", stdout=out)
    assert "- client web" in out.getvalue()
    assert Client.objects.count() == 3
    typed(monkeypatch, "yes")
    call_command("apply", str(tmp_path / "f.yaml"), "--prune", stdout=StringIO())
    assert [model for model in (Client, Api) if model.objects.exists()] == []


def test_a_client_that_registered_itself_is_not_the_files(apply):
    Client.objects.create(client_id="dynamic", name="D", registered_by="dynamic", grants=[])
    assert "registered itself" in refusal(apply, {"clients": {"dynamic": {"name": "Mine"}}})[0]
    assert export() == {}


def test_secrets_go_to_a_file_that_only_the_user_can_read(apply, tmp_path):
    path = tmp_path / "secrets.json"
    result = apply(FILE, "--secrets-to", str(path))
    assert result["secrets"] == {}
    written = json.loads(path.read_text())
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    web = Client.objects.get(client_id="web")
    assert client_secret.use(client_secret.stored_of(web), written["web"], now=timezone.now())
    with pytest.raises(CommandError, match="File exists"):
        apply(FILE, "--secrets-to", str(path))
    again = tmp_path / "again.json"
    apply(FILE, "--secrets-to", str(again))
    assert not again.exists()
    with pytest.raises(CommandError, match="nothing was changed"):
        apply("clients: {x: {name: ''}}", "--secrets-to", str(again))
    assert not again.exists()
    assert sorted(file.name for file in tmp_path.iterdir()) == ["keyturn.yaml", "secrets.json"]


def test_a_client_that_begins_to_use_a_secret_gets_one(apply):
    client = {"name": "C", "grants": ["authorization_code"], "redirect_uris": ["https://a.example/cb"]}
    assert apply({"clients": {"c": client | {"authentication": "none"}}})["secrets"] == {}
    assert apply({"clients": {"c": client}})["secrets"].keys() == {"c"}
    assert apply({"clients": {"c": client | {"authentication": "client_secret_post"}}})["secrets"] == {}


def test_a_file_that_cannot_be_read_is_refused(apply, tmp_path):
    with pytest.raises(CommandError, match="No such file"):
        call_command("apply", str(tmp_path / "none.yaml"))
    (tmp_path / "f").write_bytes(b"\xff\xfe")
    with pytest.raises(CommandError, match="not UTF-8"):
        call_command("apply", str(tmp_path / "f"))


@pytest.mark.parametrize("kind", kinds.BY_NAME)
def test_a_kind_means_what_it_means_to_create_client(apply, kind):
    Api.objects.create(identifier="https://api.example/", name="API")
    logs_in = [] if kind in ("service", "device", "api") else ["--redirect-uri", "https://a.example/cb"]
    call_command("create_client", "--client-id", "a", "--name", "A", "--kind", kind, *logs_in, stdout=StringIO())
    redirect_uris = {"redirect_uris": ["https://a.example/cb"]} if logs_in else {}
    apply({"clients": {"b": {"name": "A", "kind": kind, **redirect_uris}}})
    from_command, from_file = (state.of_saved_client(Client.objects.get(client_id=name)) for name in "ab")
    assert from_command == from_file


LOGIN_RECIPES = [name for name, recipe in catalog.recipes().items() if recipe.kind != "resource server"]


@pytest.mark.parametrize("name", LOGIN_RECIPES)
def test_a_recipe_means_what_it_means_to_create_client(apply, name, tmp_path):
    Scope.objects.create(name="n:r", description="R", api=Api.objects.create(identifier="https://n.example/", name="N"))
    step = catalog.find(name).step("create_client")
    own = step.options.get("client_id")
    keys = {"kty": "OKP", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}
    (tmp_path / "keys.json").write_text(json.dumps(keys))
    options = ["--jwks", str(tmp_path / "keys.json")] if "jwks" in step.options else []
    call_command("create_client", "--for", name, "--site", "https://a.example", "--scope", "n:r", *options, "--json",
                 stdout=(out := StringIO()))  # fmt: skip
    first = Client.objects.get(client_id=json.loads(out.getvalue())["client_id"])
    before = state.of_saved_client(first)
    first.delete()
    given = {"recipe": name, "site": "https://a.example", "scopes": ["n:r"]} | ({"jwks": keys} if options else {})
    apply({"clients": {own or "c": given}})
    second = Client.objects.get(client_id=own or "c")
    assert state.of_saved_client(second) == before
    assert second.recipe == name
    assert not apply({"clients": {own or "c": given}})["changed"]


def test_export_has_no_secret_and_applying_it_changes_nothing(apply, tmp_path):
    secret = apply(FILE)["secrets"]["web"]
    call_command("export", "--to", str(tmp_path / "out.yaml"))
    text = (tmp_path / "out.yaml").read_text()
    assert secret not in text
    assert yaml.safe_load(text) == export()
    assert not apply(text)["changed"]


def test_export_refuses_a_folder_that_is_not_there(tmp_path):
    with pytest.raises(CommandError, match="No such file"):
        call_command("export", "--to", str(tmp_path / "none" / "out.yaml"))


def test_a_new_api_can_have_a_ring_and_an_old_one_needs_a_plan(apply):
    call_command("rotate_keys", stdout=StringIO())
    call_command("rotate_keys", "--ring", "orders", "--algorithm", "ES256", stdout=StringIO())
    assert SigningKey.objects.filter(ring__name="orders").exists()
    api = {"name": "Orders", "ring": "orders", "algorithms": ["ES256", "RS256"]}
    apply({"apis": {"https://orders.example/": api}})
    assert export()["apis"]["https://orders.example/"]["ring"] == "orders"
    assert not apply(export())["changed"]
    assert "list it" in refusal(apply, {"apis": {"https://new.example/": {"name": "N", "ring": "orders"}}})[0]
    line = refusal(apply, {"apis": {"https://orders.example/": api | {"ring": "default"}}})[0]
    assert "rotate_keys --ring default --move https://orders.example/" in line
    line = refusal(apply, {"apis": {"https://orders.example/": api | {"algorithms": ["RS256"]}}})[0]
    assert "ES256 is in use" in line


TEXT = st.text(st.characters(exclude_categories=("Cs", "Cc")), min_size=1, max_size=20).filter(
    lambda text: text.strip()
)
NAME = st.from_regex(r"\A[a-z][a-z0-9._~-]{0,10}\Z")
SECONDS = st.one_of(st.none(), st.integers(1, 86_400))


@st.composite
def registries(draw):
    """Return random data of a manifest that can be applied (Hypothesis strategy)."""
    count = draw(st.integers(0, 2))
    scopes = [f"s{number}:{draw(NAME)}" for number in range(count)]
    identifier = f"https://{draw(st.from_regex(r'[a-z]{1,8}', fullmatch=True))}.example/"
    api = {"name": draw(TEXT), "scopes": {name: draw(TEXT) for name in scopes}, "gets_groups": draw(st.booleans())}
    clients = {}
    for client_id in draw(st.lists(NAME.filter(lambda name: len(name) != 36), unique=True, max_size=3)):
        clients[client_id] = {
            "name": draw(TEXT),
            "kind": draw(st.sampled_from(["web", "spa", "native", "service", "device", "api"])),
            "redirect_uris": draw(
                st.sampled_from([["https://b.example/cb"], ["https://b.example/x", "http://127.0.0.1/"]])
            ),
            "scopes": draw(st.lists(st.sampled_from(scopes), unique=True)) if scopes else [],
            "active": draw(st.booleans()),
            "remembers_consent": draw(st.booleans()),
            "userinfo_by_api_tokens": draw(st.booleans()),
            "dpop_bound_access_tokens": draw(st.booleans()),
            **({"access_token_lifetime": value} if (value := draw(SECONDS)) else {}),
        }
    policies = [{"client": name, "api": identifier, "scopes": [scopes[0]]} for name in clients if scopes]
    return {"apis": {identifier: api}, "clients": clients, "exchange_policies": policies[:1]}


@settings(max_examples=10, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=registries())
def test_an_export_applied_to_an_empty_database_gives_the_same_export(apply, data):
    for model in (ExchangePolicy, Client, Scope, Api):
        model.objects.all().delete()
    apply(data)
    first = export()
    assert not apply(first)["changed"]
    for model in (ExchangePolicy, Client, Scope, Api):
        model.objects.all().delete()
    out = StringIO()
    call_command("export", stdout=out)
    apply(first)
    assert export() == first
    out = StringIO()
    call_command("export", stdout=out)
    assert yaml.safe_load(out.getvalue()) == first
    assert not apply(out.getvalue())["changed"]
