"""Links from fields in the admin, such as a kid or a sub, to the page that inspects a token.

- The attribute `token_fields` of an admin page maps the names of such fields to header parameters and claims, such as
  `kid`. A field with an actor or subject of the audit trail, such as `key:abc`, is mapped to `SUBJECT`.
- Each field in `token_fields` has a link, in the list and on the page of a row. The link carries the value of the
  field. The administrator then pastes a token, and the inspection shows whether the token has this value. A link never
  carries a token.
- Links cannot be nested. So if a column of the list already links to the page of the row, the link to the inspection is
  in an additional column at the end.
- Only administrators who may inspect tokens see the links.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar
from urllib.parse import urlencode

from django.contrib import admin
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.text import capfirst
from django.utils.translation import gettext, gettext_lazy

from tokens.inspection import expectation
from tokens.inspection.expectation import Expectation

SUBJECT = "subject"
PERMISSION = "tokens.view_signingkey"


def expected(name: str, value: object) -> Expectation | None:
    """Return the `Expectation` by which an inspection compares a token's header parameter or claim `name` with `value`.

    If `name` is SUBJECT, `value` is an actor or subject of the audit trail, such as `key:abc`. Returns None if there is
    nothing to compare, for example because tokens do not contain `value`.
    """
    return expectation.of_subject(str(value or "")) if name == SUBJECT else expectation.of_value(name, value)


def link(wanted: Expectation | None) -> SafeString:
    """Return the HTML link to the page that inspects a token.

    If `wanted` is not None, the link carries the name and value of `wanted`, and the page compares the token with them.
    """
    address = reverse("admin:tokens_inspect")
    if wanted is None:
        return format_html('<a href="{}" class="inspect">{}</a>', address, gettext("Inspect a token"))
    label = gettext("Inspect a token with the %(name)s %(value)s") % {"name": wanted.name, "value": wanted.value}
    query = urlencode({wanted.name: wanted.value})
    anchor = '<a href="{}?{}" aria-label="{}" class="inspect">{}</a>'
    return format_html(anchor, address, query, label, gettext("Inspect"))


@dataclass(frozen=True)
class TokenColumn:
    """A list column with links to the inspection. If `shows_value`, the field's value is shown before the link."""

    field: str
    name: str
    short_description: Any
    shows_value: bool

    @property
    def __name__(self) -> str:
        """Return the field's name, which the admin puts into the CSS class of the column."""
        return self.field

    @property
    def admin_order_field(self) -> str | None:
        """Return the field by which the column sorts the list, or None if the column shows links without values."""
        return self.field if self.shows_value else None

    def __call__(self, obj: Any) -> SafeString:
        """Return the HTML for the cell of this column in the row of `obj`."""
        value = getattr(obj, self.field)
        wanted = expected(self.name, value)
        shown = (value or "-") if self.shows_value else ""
        return format_html("{} {}", shown, link(wanted)) if wanted else format_html("{}", shown)


class TokenFields(admin.ModelAdmin):  # type: ignore[type-arg]  # a plain class at run time
    """An admin page that links fields such as `kid` or `sub` to the page that inspects a token."""

    token_fields: ClassVar[Mapping[str, str]]
    """By field: the name of its value in tokens, "" for an object that contains it, or SUBJECT."""

    def get_list_display(self, request: HttpRequest) -> Any:
        """Return the columns, with links for administrators who may inspect tokens."""
        columns = super().get_list_display(request)
        if not request.user.has_perm(PERMISSION):
            return columns
        links = {str(name) for name in self.get_list_display_links(request, columns) or ()}
        shown = [column if column in links else self._with_link(column) for column in columns]
        return [*shown, *(self._only_link(column) for column in columns if column in links & self.token_fields.keys())]

    def get_form(self, request: HttpRequest, obj: Any = None, *args: Any, **kwargs: Any) -> Any:
        """Return the form. The help text of each field in `token_fields` ends with a link to the page for inspection.

        Only administrators who may inspect tokens get the links. A read-only field in `token_fields` has a link, too.
        """
        if request.user.has_perm(PERMISSION):
            kwargs["help_texts"] = {**_help_texts(self.form), **self._help_texts(obj)}
        return super().get_form(request, obj, *args, **kwargs)

    def _with_link(self, column: Any) -> Any:
        if column not in self.token_fields:
            return column
        label = capfirst(self._field(column).verbose_name)
        return TokenColumn(column, self.token_fields[column], label, shows_value=True)

    def _only_link(self, column: str) -> TokenColumn:
        return TokenColumn(column, self.token_fields[column], gettext_lazy("Token"), shows_value=False)

    def _help_texts(self, obj: Any) -> dict[str, SafeString]:
        texts = {}
        for field, name in self.token_fields.items():
            wanted = expected(name, getattr(obj, field)) if obj else None
            texts[field] = format_html("{} {}", self._field(field).help_text, link(wanted))
        return texts

    def _field(self, name: str) -> Any:
        return self.opts.get_field(name)


def _help_texts(form: Any) -> Mapping[str, Any]:
    """Return the help texts that the form's `Meta` class sets."""
    # `get_form` passes them on, because its own help texts replace those of `Meta`.
    return getattr(getattr(form, "Meta", None), "help_texts", None) or {}
