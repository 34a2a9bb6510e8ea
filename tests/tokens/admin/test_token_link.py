"""Each admin field whose value a token can contain, such as a kid, links to the page that inspects tokens.

The page reports whether an inspected token has this value.
"""

import re
from datetime import timedelta

import pytest
from django.contrib import admin as django_admin
from django.contrib.auth.models import Permission
from django.db import models
from django.urls import reverse
from django.utils import timezone

from tests.tokens.factories import make_api, make_client, operation
from tests.tokens.inspection.tokens import make
from tokens.admin.token_link import TokenFields
from tokens.audit import trail
from tokens.keys import rotation
from tokens.models import AuditEvent, DeviceCode, LogoutMessage, SigningKey, User, UserGrant

INSPECT = "/admin/tokens/signingkey/inspect/"
LIKE_TOKENS = re.compile(
    r"(.*_)?(kid|jti|jwk|sub|sid|aud|audience|token|digest|identifier|grant|subject|actor|hint|code|client_id)|details"
)
"""Names of fields that hold a token, a part of one, or a value that tokens carry."""
OTHER = {
    ("InitialAccessToken", "hint"): "four characters of an opaque token",
    ("ClientSecret", "hint"): "four characters of a secret",
    ("OpenClient", "initial_token"): "links to the row of an opaque token",
}
"""Fields with such a name that the inspection can say nothing about."""
TEXTS = (models.CharField, models.TextField, models.JSONField, models.UUIDField, models.BinaryField, models.ForeignKey)


def fields(page):
    """Yield the fields that the admin shows for a table: in its list, on a row's page, or in a table on that page."""
    excluded = {*(page.exclude or ())}
    named = page.fields or [name for _, options in page.fieldsets or () for name in options["fields"]]
    for field in page.model._meta.concrete_fields:
        is_shown = field.name in named if named else field.editable and field.name not in excluded
        if is_shown or field.name in (*page.list_display, *page.readonly_fields):
            yield field


def like_tokens():
    """Return the fields that the admin shows and whose names look like a value in tokens, such as `jti` or `kid`.

    The result is a set of tuples: the name of the model, the name of the field, and the admin page of the model. The
    page is None if the field is in an inline table on the page of another model.
    """
    matches = set()
    pages = [*django_admin.site._registry.values()]
    shown = [(page.model, page, field) for page in pages for field in fields(page)]
    for table in django_admin.TabularInline.__subclasses__():
        shown += [(table.model, None, table.model._meta.get_field(name)) for name in in_table(table)]
    for model, page, field in shown:
        if LIKE_TOKENS.fullmatch(field.name) and isinstance(field, TEXTS):
            matches.add((model.__name__, field.name, page))
    return matches


def in_table(table):
    names = {field.name for field in table.model._meta.concrete_fields}
    return names & {*(table.fields or names)}


def test_each_field_like_a_token_links_to_the_inspection():
    matches = like_tokens()
    assert {("SigningKey", "kid"), ("User", "sub"), ("AuditEvent", "subject")} <= {match[:2] for match in matches}
    assert {*OTHER} <= {match[:2] for match in matches}, "an exception that is none any more"
    without = {
        (model, field)
        for model, field, page in matches
        if (model, field) not in OTHER and not (isinstance(page, TokenFields) and field in page.token_fields)
    }
    assert without == set()


@pytest.fixture
def rows(admin):
    """Create a row in each table whose admin page has fields with values of tokens."""
    now = timezone.now()
    rotation.rotate(operation())
    app = make_client("app", "authorization_code")
    make_api("https://api.example/")
    times = {"created_at": now, "auth_time": now, "ends_at": now + timedelta(days=1)}
    user = User.objects.get(username="root")
    grant = UserGrant.objects.create(
        user=user, client=app, audience="https://api.example/", scope="", sid="s1", **times
    )
    DeviceCode.objects.create(
        client=app, digest="d", user_code_digest="c", audience="https://api.example/", created_at=now, grant=grant,
        expires_at=now, interval=5,
    )  # fmt: skip
    LogoutMessage.objects.create(client=app, sub="u1", sid="s1", created_at=now, give_up_at=now)
    trail.record("token.revoked", actor="client:app", subject=f"grant:{grant.pk}", details={"jti": "1"}, now=now)


def part(html, pattern):
    """Return 3,000 characters of the HTML page, from the first match of the pattern. Fails if nothing matches."""
    match = re.search(pattern, html)
    assert match, pattern
    return html[match.start() : match.start() + 3000]


def token_pages():
    return [page for page in django_admin.site._registry.values() if isinstance(page, TokenFields)]


def test_the_page_of_a_row_has_a_link_at_each_of_these_fields(admin, rows):
    assert len(token_pages()) == 8
    for page in token_pages():
        row = page.model._default_manager.order_by("-pk").first()
        name = f"admin:{page.opts.app_label}_{page.opts.model_name}_change"
        html = admin.get(reverse(name, args=[row.pk])).content.decode()
        for field in page.token_fields:
            box = part(html, rf'class="form-row[^"]* field-{field}\b')
            box = box[: box.find("form-row", 10)]
            assert f'href="{INSPECT}' in box, (page, field)


def test_the_list_has_a_link_at_each_of_these_columns_outside_of_the_link_to_the_row(admin, rows):
    for page in token_pages():
        html = admin.get(reverse(f"admin:{page.opts.app_label}_{page.opts.model_name}_changelist")).content.decode()
        for field in {*page.token_fields} & {*page.list_display}:
            assert re.search(rf'<td class="field-{field}[^"]*">[^<]*<a href="{INSPECT}\?\w+=', html), (page, field)
        assert not re.search(r"<a [^>]*>[^<]*<a ", html), "a link within a link"


def test_a_column_that_has_only_links_comes_after_those_with_values(admin, rows):
    html = admin.get("/admin/tokens/auditevent/").content.decode()
    assert html.index("column-at_second") < html.rindex("column-actor")


def test_a_link_carries_the_value_and_says_so(admin, rows):
    key = SigningKey.objects.first()
    html = admin.get("/admin/tokens/signingkey/").content.decode()
    label = f"Inspect a token with the kid {key.kid}"
    assert f'<a href="{INSPECT}?kid={key.kid}" aria-label="{label}" class="inspect">Inspect</a>' in html
    assert f'href="{INSPECT}?kid={key.kid}"' in admin.get(f"/admin/tokens/ring/{key.ring_id}/change/").content.decode()
    event = AuditEvent.objects.get(action="token.revoked")
    assert f'href="{INSPECT}?jti=1"' in admin.get(f"/admin/tokens/auditevent/{event.pk}/change/").content.decode()


def test_a_value_is_quoted_in_the_address(admin):
    make_client('a&"b', "client_credentials")
    assert f'href="{INSPECT}?client_id=a%26%22b"' in admin.get("/admin/tokens/client/").content.decode()


def test_a_new_row_links_without_a_value(admin):
    html = admin.get("/admin/tokens/api/add/").content.decode()
    assert f'<a href="{INSPECT}" class="inspect">' in part(html, r"field-identifier\b")


def test_a_list_can_still_be_sorted_by_such_a_column(admin):
    for name in ("b", "a"):
        make_client(name, "client_credentials")
    html = admin.get("/admin/tokens/client/?o=2").content.decode()
    assert html.index("?client_id=a") < html.index("?client_id=b")


def test_an_administrator_who_may_not_inspect_tokens_sees_no_links(client, rows):
    clerk = User.objects.create_user("clerk", is_staff=True)
    clerk.user_permissions.set(Permission.objects.filter(codename__in=["view_user", "view_client", "view_ring"]))
    client.force_login(clerk)
    for path in ("user/", f"user/{clerk.pk}/change/", "client/", f"ring/{SigningKey.objects.first().ring_id}/change/"):
        answer = client.get(f"/admin/tokens/{path}")
        assert answer.status_code == 200
        assert INSPECT not in answer.content.decode()


@pytest.mark.parametrize(
    ("query", "shown"),
    [
        ("kid=k", "The token has the kid k."),
        ("kid=other", "The token has the kid k. Expected: other."),
        ("sid=s", "The token has no sid. Expected: s."),
        ("sub=ada", "The token has the sub ada."),
    ],
)
def test_the_inspection_compares_the_token_with_the_value_of_the_link(admin, query, shown):
    page = f"{INSPECT}?{query}"
    name, value = query.split("=")
    assert f"Paste a token that should have the {name} <code>{value}</code>." in admin.get(page).content.decode()
    assert shown in admin.post(page, {"token": make()}).content.decode()


@pytest.mark.parametrize("query", ["", "?token=a.b.c", "?kid=", "?kid=" + "x" * 256, "?kid=%00", "?kid=%0a"])
def test_the_inspection_expects_nothing_without_a_usable_value(admin, query):
    html = admin.get(INSPECT + query).content.decode()
    assert "Paste a token that should" not in html
    answer = admin.post(INSPECT + query, {"token": make()})
    assert answer.status_code == 200
    assert "Expected:" not in answer.content.decode()


def test_a_value_of_the_address_is_escaped(admin):
    html = admin.get(INSPECT, {"kid": "<script>x"}).content.decode()
    assert "&lt;script&gt;x" in html
    assert "<script>x" not in html
