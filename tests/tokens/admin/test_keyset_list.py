"""A long list in the admin. The address of a page has the primary key of the row after which the page begins.

The tests go forwards and backwards, with search, filters and each sort direction.
"""

from html.parser import HTMLParser
from itertools import chain

import pytest
from allauth.account.models import EmailAddress
from django.contrib.auth.models import Permission
from django.utils import translation

from tests.tokens.factories import make_client
from tokens.admin.long_list import LongList
from tokens.models import Client, User

pytestmark = pytest.mark.django_db
USERS = "/admin/tokens/user/"
CLIENTS = "/admin/tokens/client/"


class Links(HTMLParser):
    """Collects the links of an HTML page by their attribute `rel`."""

    def __init__(self):
        super().__init__()
        self.found = {}

    def handle_starttag(self, tag, attrs):
        given = dict(attrs)
        if tag == "a" and "rel" in given:
            self.found[given["rel"]] = given["href"]


def opened(browser, address):
    """Return the primary keys of the rows on a page of the list, and its links to other pages by their `rel`."""
    answer = browser.get(address)
    assert answer.status_code == 200
    links = Links()
    links.feed(answer.content.decode())
    path = address.partition("?")[0]
    return [row.pk for row in answer.context["cl"].result_list], {rel: path + to for rel, to in links.found.items()}


def walked(browser, address, rel):
    """Load the page at `address` and all pages after it, by the links with this `rel`.

    Return the primary keys of the rows on each page, and the address of the last page.
    """
    pages = []
    while True:
        rows, links = opened(browser, address)
        pages.append(rows)
        if rel not in links:
            return pages, address
        address = links[rel]


@pytest.fixture(autouse=True)
def short_pages(monkeypatch):
    monkeypatch.setattr(LongList, "list_per_page", 2)
    monkeypatch.setattr("tokens.admin.long_list.LIMIT", 4)


@pytest.fixture
def users(admin):
    return [User.objects.create_user(f"u{n}", f"u{n}@example.com", is_active=n % 3 > 0) for n in range(9)]


@pytest.mark.parametrize(
    ("query", "condition", "order"),
    [
        ("", {}, "username"),
        ("?o=-1", {}, "-username"),
        ("?q=u", {"username__startswith": "u"}, "username"),
        ("?is_active__exact=1", {"is_active": True}, "username"),
        ("?is_active__exact=1&q=u&o=-1", {"is_active": True, "username__startswith": "u"}, "-username"),
    ],
)
def test_the_pages_of_users_lead_to_each_user_once_and_back(admin, users, query, condition, order):
    expected = list(User.objects.filter(**condition).order_by(order).values_list("pk", flat=True))
    pages, last = walked(admin, USERS + query, "next")
    assert list(chain(*pages)) == expected
    assert len(pages) >= 3
    back, first = walked(admin, last, "prev")
    assert back == pages[::-1]
    assert opened(admin, first)[0] == expected[:2]


@pytest.mark.parametrize("query", ["", "?o=1", "?o=-1.2", "?o=6", "?o=-6", "?o=5.-1", "?q=shop&o=1"])
def test_the_pages_of_clients_lead_to_each_client_once(admin, query):
    for n in range(7):
        make_client(f"shop{n}", last_used_on=None if n % 2 else f"2030-01-0{n + 1}")
        Client.objects.filter(client_id=f"shop{n}").update(name=f"Shop {n % 3}")
    pages, last = walked(admin, CLIENTS + query, "next")
    assert sorted(chain(*pages)) == sorted(Client.objects.values_list("pk", flat=True))
    assert walked(admin, last, "prev")[0] == pages[::-1]


def test_a_page_by_key_counts_no_row(admin, users, django_assert_max_num_queries):
    with django_assert_max_num_queries(8) as captured:
        page = admin.get(USERS, {"follows": users[4].pk})
    statements = [query["sql"] for query in captured.captured_queries]
    assert not any("COUNT(" in statement or "OFFSET" in statement for statement in statements)
    assert [row.username for row in page.context["cl"].result_list] == ["u5", "u6"]


def test_a_row_that_the_filter_hides_still_has_its_place(admin, users):
    """The page begins after the user whose key is in the address, even if the filter hides this user.

    An example is a user who was disabled after the previous page was loaded.
    """
    page = admin.get(USERS, {"follows": users[3].pk, "is_active__exact": 1})
    assert not users[3].is_active
    assert [row.username for row in page.context["cl"].result_list] == ["u4", "u5"]


@pytest.mark.parametrize(
    "key", ["", "0", "-1", "x", "1 OR 1=1", "9" * 30, "9" * 5000, "1.5", "\0", "%00", "٣x", "None"]
)
@pytest.mark.parametrize("name", ["follows", "precedes"])
def test_a_key_of_no_row_leads_to_the_first_page(admin, users, name, key):
    answer = admin.get(USERS, {name: key}, follow=True)
    assert answer.redirect_chain == [(f"{USERS}?e=1", 302)]
    assert [row.username for row in answer.context["cl"].result_list] == ["root", "u0"]


@pytest.mark.parametrize("key", ["9" * 30, "-" + "9" * 30])
def test_a_key_that_the_database_cannot_store_leads_to_the_first_page(admin, key):
    """If the database cannot store the primary key in the address, the browser is redirected to the first page.

    The key is too large or too small for an integer. The test uses the list of OpenClient, because the primary key of
    this table is a foreign key.
    """
    page = "/admin/tokens/openclient/"
    assert admin.get(page, {"follows": key}).headers["Location"] == f"{page}?e=1"


def test_a_column_that_the_address_names_again_and_again_is_sorted_once(admin, users):
    page = admin.get(USERS, {"follows": users[4].pk, "o": ".".join(["1"] * 2000)})
    assert [row.username for row in page.context["cl"].result_list] == ["u5", "u6"]


def test_two_keys_lead_to_the_first_page(admin, users):
    assert admin.get(USERS, {"follows": users[1].pk, "precedes": users[5].pk}).status_code == 302


def test_the_key_of_a_row_that_the_administrator_cannot_see_leads_to_the_first_page(admin, users, monkeypatch):
    monkeypatch.setattr("tokens.admin.user.UserAdmin.get_queryset", lambda *_: User.objects.exclude(username="u3"))
    assert admin.get(USERS, {"follows": users[3].pk}).status_code == 302
    assert admin.get(USERS, {"follows": users[4].pk}).status_code == 200


def test_a_page_by_key_needs_the_permission_of_the_list(client, users):
    clerk = User.objects.create_user("clerk", is_staff=True)
    client.force_login(clerk)
    assert client.get(USERS, {"follows": users[3].pk}).status_code == 403
    clerk.user_permissions.add(Permission.objects.get(codename="view_user"))
    assert client.get(USERS, {"follows": users[3].pk}).status_code == 200


def test_filters_search_and_columns_lead_to_the_first_page_of_their_result(admin, users):
    page = admin.get(USERS, {"follows": users[4].pk, "is_active__exact": 1})
    changelist = page.context["cl"]
    assert changelist.get_query_string() == "?is_active__exact=1"
    assert page.content.decode().count("follows=") == 1  # in the link to the next page
    assert 'name="follows"' not in page.content.decode()


def test_an_action_applies_to_the_selected_rows_of_a_page_by_key(admin, users):
    address = f"{USERS}?follows={users[4].pk}"
    form = {"action": "log_out_everywhere", "_selected_action": [users[5].pk]}
    answer = admin.post(address, form)
    assert (answer.status_code, answer.headers["Location"]) == (302, address)
    changed = User.objects.filter(logged_out_at__isnull=False)
    assert [user.username for user in changed] == ["u5"]


def test_an_action_runs_although_the_row_beside_the_page_was_deleted(admin, users):
    address = f"{USERS}?follows={users[4].pk}"
    users[4].delete()
    admin.post(address, {"action": "log_out_everywhere", "_selected_action": [users[5].pk]})
    assert [user.username for user in User.objects.filter(logged_out_at__isnull=False)] == ["u5"]


def test_a_page_by_key_offers_no_action_on_all_pages(admin, users):
    assert 'class="question' not in admin.get(USERS, {"follows": users[4].pk}).content.decode()


def test_an_action_on_all_pages_says_how_many_rows_it_changes(admin, users):
    counted = admin.get(USERS, {"is_active__exact": 0}).content.decode()
    assert "Select all 3 users<" in counted
    assert "All 3 selected<" in counted
    not_counted = admin.get(USERS).content.decode()
    assert "Select all users, more than 4<" in not_counted
    assert "All selected, more than 4<" in not_counted
    assert "Select all 4 users" not in not_counted
    admin.post(USERS, {"action": "log_out_everywhere", "_selected_action": [users[0].pk], "select_across": "1"})
    assert User.objects.filter(logged_out_at__isnull=False).count() == len(users) + 1


def test_a_page_with_all_rows_has_no_next_page(admin, users):
    User.objects.filter(username__in=["u2", "u3", "u4", "u5", "u6", "u7", "u8"]).delete()
    assert "next" in opened(admin, USERS)[1]
    assert opened(admin, f"{USERS}?all=")[1] == {}
    assert opened(admin, f"{USERS}?q=u0")[1] == {}


def test_the_lists_of_other_apps_have_the_links_too(admin, users):
    EmailAddress.objects.bulk_create([EmailAddress(user=user, email=user.email) for user in users])
    page = admin.get("/admin/account/emailaddress/").content.decode()
    assert "more than 4" in page
    pages, _ = walked(admin, "/admin/account/emailaddress/?o=1", "next")
    assert list(chain(*pages)) == list(EmailAddress.objects.order_by("email").values_list("pk", flat=True))


def test_the_links_are_german_on_a_german_page(admin, users):
    with translation.override("de"):
        page = admin.get(USERS, {"follows": users[4].pk}).content.decode()
    for text in ("Erste Seite", "Vorherige Seite", "Nächste Seite"):
        assert f">{text}</a>" in page
