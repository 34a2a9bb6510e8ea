"""The operator's stylesheet and logo, and the pages that name them."""

import pytest

pytestmark = pytest.mark.urls("project.urls.issuer")
SVG = '<svg xmlns="http://www.w3.org/2000/svg"/>'


@pytest.fixture
def branded(settings, tmp_path):
    logo = tmp_path / "logo"
    logo.write_text(SVG)
    own = {"BRAND_NAME": "Acme <&>", "BRAND_COLOR": "#e4002b", "BRAND_LOGO": str(logo)}
    settings.ISSUER = settings.ISSUER | own


def test_without_settings_there_is_no_stylesheet_and_no_logo(client):
    assert {client.get(f"/brand/{name}").status_code for name in ("style.css", "logo")} == {404}
    page = client.get("/accounts/login/").content.decode()
    assert '<p class="mark">Keyturn</p>' in page
    assert "/brand/" not in page


def test_each_page_has_name_colours_and_logo_of_the_operator(client, branded):
    for address in ("/accounts/login/", "/nowhere"):
        page = client.get(address).content.decode()
        assert '<img src="/brand/logo" alt="Acme &lt;&amp;&gt;">' in page
        assert '<link rel="stylesheet" href="/brand/style.css">' in page


@pytest.mark.parametrize(
    ("address", "media_type", "content"),
    [("/brand/style.css", "text/css; charset=utf-8", "--accent: light-dark(#"), ("/brand/logo", "image/svg+xml", SVG)],
)
def test_a_browser_loads_each_once_and_asks_again_by_its_tag(client, branded, address, media_type, content):
    answer = client.get(address)
    assert (answer.status_code, answer["Content-Type"]) == (200, media_type)
    assert content in answer.content.decode()
    again = client.get(address, HTTP_IF_NONE_MATCH=answer["ETag"])
    assert (again.status_code, again.content, again["ETag"]) == (304, b"", answer["ETag"])
    assert client.get(address, HTTP_IF_NONE_MATCH='"other"').status_code == 200
    assert client.post(address).status_code == 405


def test_a_logo_that_is_opened_by_itself_runs_no_script(client, branded):
    assert client.get("/brand/logo")["Content-Security-Policy"].startswith("default-src 'none'")
    assert "sandbox" in client.get("/brand/logo")["Content-Security-Policy"]
