"""The option `--for` of create_client and create_api, and the command `recipes`.

The tests are about what they register, print and refuse.
"""

import json
from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from tests.tokens.factories import make_api
from tokens.checks.client import check_switches
from tokens.models import Api, AuditEvent, Client

pytestmark = pytest.mark.django_db
PROXY = ("--for", "oauth2-proxy", "--redirect-uri", "https://intra.corp/oauth2/callback")


def run(command, *arguments):
    out, err = StringIO(), StringIO()
    call_command(command, *arguments, stdout=out, stderr=err)
    return out.getvalue(), err.getvalue()


def test_a_program_gets_its_client_and_its_whole_configuration():
    out, err = run("create_client", *PROXY)
    client = Client.objects.get()
    assert (client.name, client.recipe, client.redirect_uris) == (
        "oauth2-proxy", "oauth2-proxy", "https://intra.corp/oauth2/callback"
    )  # fmt: skip
    assert client.grants == ["authorization_code", "refresh_token"]
    secret = out.split("client_secret")[1].split()[0]
    assert f'client_id = "{client.client_id}"' in out
    assert f'client_secret = "{secret}"' in out
    assert 'oidc_issuer_url = "http://' in out
    assert 'redirect_url = "https://intra.corp/oauth2/callback"' in out
    assert "needs          a verified e-mail address" in out
    assert "seen with      oauth2-proxy 7.15.6" in out
    assert not [word for word in ("issuer.example", "app.example", "CLIENT_ID", "CLIENT_SECRET") if word in out]
    assert err == ""


def test_json_has_the_configuration_as_files():
    printed = json.loads(run("create_client", *PROXY, "--json")[0])
    assert set(printed) == {"client_id", "client_secret", "created", "recipe", "less_strict", "configuration"}
    (file,) = [part for part in printed["configuration"] if part["file"]]
    assert (file["file"], file["language"]) == ("oauth2-proxy.cfg", "ini")
    assert printed["client_secret"] in file["code"]


def test_the_operator_s_options_win():
    make_api("https://orders.example/", "orders:read")
    run("create_client", *PROXY, "--name", "Intranet", "--scope", "orders:read", "--skip-consent", "--pkce", "nonce")
    client = Client.objects.get()
    assert (client.name, client.skip_authorization, client.pkce) == ("Intranet", True, "nonce")
    assert [scope.name for scope in client.scopes.all()] == ["orders:read"]


def test_the_address_of_the_api_stands_in_the_configuration_if_its_identifier_is_a_url():
    make_api("https://orders.example/v1", "orders:read")
    out, _ = run("create_client", "--for", "authlib", "--site", "https://shop.corp/", "--scope", "orders:read")
    assert 'oauth.keyturn.get("https://orders.example/v1/api/notes/"' in out
    make_api("urn:queue", "queue:read")
    out, _ = run("create_client", "--for", "authlib", "--site", "https://shop.corp/", "--scope", "queue:read")
    assert 'oauth.keyturn.get("https://api.example/api/notes/"' in out


def test_the_printed_text_says_what_to_enable_which_file_it_is_and_which_commands_follow():
    out, _ = run("create_api", "--for", "rabbitmq")
    assert "# (`rabbitmq-plugins enable rabbitmq_auth_backend_oauth2`)" in out
    assert "\n# rabbitmq.conf\nauth_backends.1 = rabbit_auth_backend_oauth2" in out
    assert "\nmanage.py create_client --client-id shop" in out
    assert "create_api" not in out


def test_the_client_that_was_registered_with_its_api_is_not_a_command_to_run():
    out, _ = run("create_api", "--for", "dovecot", "--identifier", "https://mail.corp/")
    assert "--client-id mua" in out
    assert "--client-id mail-api" not in out
    assert Client.objects.get().client_id == "mail-api"


def test_a_link_to_a_page_of_the_documentation_is_printed_as_its_path():
    out, _ = run("create_client", "--for", "jupyterhub", "--site", "https://hub.corp")
    assert "(docs/claims.md)" in out
    assert "](" not in out


def test_the_scopes_of_an_api_stand_in_the_configuration():
    make_api("https://orders.example/", "orders:read")
    out, _ = run("create_client", "--for", "authlib", "--site", "https://shop.corp/", "--scope", "orders:read")
    assert '"scope": "openid profile email offline_access orders:read"' in out
    assert Client.objects.get().post_logout_redirect_uris == "https://shop.corp/"
    out, _ = run("create_client", "--for", "authlib", "--site", "https://shop.corp")
    assert '"scope": "openid profile email offline_access"' in out


def test_a_redirect_uri_that_the_program_does_not_use_is_warned_about():
    out, err = run("create_client", "--for", "oauth2-proxy", "--redirect-uri", "https://intra.corp/callback")
    assert err == (
        "Warning: oauth2-proxy is known to use https://app.example/oauth2/callback, not https://intra.corp/callback\n"
    )
    assert "client_id" in out


def test_what_is_less_strict_is_printed_stored_audited_and_checked():
    out, _ = run("create_client", "--for", "gatus", "--site", "https://status.corp")
    assert "less strict    PKCE: a nonce is accepted instead of a code challenge" in out
    details = AuditEvent.objects.get(action="client.created").details
    assert (details["recipe"], details["pkce"]) == ("gatus", "nonce")
    run("create_client", "--for", "mcp-typescript", "--scope", "openid", "--site", "https://x.example")
    (warning,) = check_switches()
    assert warning.id == "tokens.W211"
    assert "http://localhost matches with any port" in warning.msg


def test_a_strict_recipe_prints_and_audits_no_switch():
    assert "less strict" not in run("create_client", *PROXY)[0]
    details = AuditEvent.objects.get(action="client.created").details
    assert details["recipe"] == "oauth2-proxy"
    assert not {"pkce", "allows_any_localhost_port", "accepts_token_endpoint_audience"} & details.keys()
    assert check_switches() == []


def test_a_variant_registers_another_client_with_its_own_configuration():
    out, _ = run("create_client", "--for", "msal/desktop")
    assert Client.objects.get().client_type == "public"
    assert "PublicClientApplication" in out
    with pytest.raises(CommandError, match=r"msal has no variant phone\. Known are desktop"):
        run("create_client", "--for", "msal/phone")


REFUSED = {
    "no such recipe": (("create_client", "--for", "oauth2"), "no recipe oauth2. Did you mean .*oauth2-proxy"),
    "another command": (("create_client", "--for", "kafka"), "kafka verifies tokens: use manage.py create_api"),
    "the other way": (("create_api", "--for", "dex"), "dex logs users in: use manage.py create_client --for dex"),
    "no address": (("create_client", "--for", "dex"), "dex needs its address: add --site https://app.example, or"),
    "no key": (
        ("create_client", "--for", "nimbus-sdk", "--site", "https://a.example"), "nimbus-sdk .* add --jwks FILE"
    ),
    "no scope": (("create_client", "--for", "spring-client"), "requests a scope of your API: add --scope NAME"),
    "no identifier": (("create_api", "--for", "haproxy"), "haproxy needs the API's identifier: add --identifier"),
    "a fixed client_id": (
        ("create_client", "--for", "prometheus", "--client-id", "x"), "names the client prometheus: omit --client-id"
    ),
    "no name": (("create_client", "--grant", "client_credentials"), "--name is required"),
    "no name of an API": (("create_api", "--identifier", "urn:x:y"), "arguments are required: --name"),
    "neither": (("create_api",), "arguments are required: --identifier, --name"),
}  # fmt: skip


@pytest.mark.parametrize("case", REFUSED)
def test_a_missing_value_is_refused_and_nothing_is_registered(case):
    arguments, message = REFUSED[case]
    with pytest.raises(CommandError, match=message) as refused:
        run(*arguments)
    assert refused.value.returncode == 2
    assert not Client.objects.exists()
    assert not Api.objects.exists()


def test_a_resource_server_gets_its_api_and_configuration():
    out, _ = run("create_api", "--for", "haproxy", "--identifier", "https://s.corp/", "--scope", "s:read=Read")
    assert "identifier  https://s.corp/\nscopes      s:read\nseen with   HAProxy" in out
    assert "acl valid_aud var(txn.aud) -m str https://s.corp/" in out
    assert "s:read" in out
    assert "stock" not in out.replace("frontend stock", "").replace("backend stock", "").replace("server stock", "")
    assert 'scope="s:read"\'' in out


def test_a_server_that_introspects_gets_a_client_of_its_own():
    printed = json.loads(run("create_api", "--for", "dovecot", "--identifier", "https://mail.corp/", "--json")[0])
    api = Api.objects.get()
    assert (api.client.client_id, api.client.recipe, printed["client_id"]) == ("mail-api", "dovecot", "mail-api")
    assert api.introspection_names_user
    assert any(printed["client_secret"] in part["code"] for part in printed["configuration"])


def test_the_recipes_are_listed_by_topic_and_kind():
    out, _ = run("recipes")
    assert "Java:\n  keycloak-broker          logs users in    Keycloak, as broker\n" in out
    servers = json.loads(run("recipes", "--kind", "resource server", "--json")[0])
    assert {server["kind"] for server in servers} == {"resource server"}
    assert {"name", "title", "version", "tested", "less_strict"} <= set(servers[0])


def test_one_recipe_is_shown_as_its_page():
    out, _ = run("recipes", "oauth2-proxy")
    assert out.startswith("# oauth2-proxy\n")
    assert "code_challenge_method" in out
    assert json.loads(run("recipes", "dex", "--json")[0])["page"].startswith("# Dex")
    with pytest.raises(CommandError, match="there is no recipe nothing"):
        run("recipes", "nothing")


def test_a_site_s_own_recipe_is_used(settings, tmp_path):
    own = (
        'title = "Wiki"\nkind = "login"\nversion = "1"\ntried = 2026-11-29\nsummary = "A wiki."\n[[step]]\n'
        'command = "create_client"\n[step.options]\ngrants = ["authorization_code"]\n'
        'redirect_uris = ["https://app.example/cb"]\n[requests]\nauthentication = "basic"\n'
    )
    (tmp_path / "wiki.toml").write_text(own)
    settings.ISSUER = {**settings.ISSUER, "RECIPES": str(tmp_path)}
    run("create_client", "--for", "wiki", "--site", "https://wiki.corp")
    assert Client.objects.get().redirect_uris == "https://wiki.corp/cb"
    (tmp_path / "wiki.toml").write_text(own + "code = 'import os'\n")
    with pytest.raises(CommandError, match="wiki: requests: unknown field code"):
        run("recipes")
