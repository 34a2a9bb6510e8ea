"""A page of the admin that inspects a pasted token of this issuer. It stores nothing and sends no request."""

import json

from django import forms
from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils import timezone
from django.utils.translation import gettext, gettext_lazy
from django.views.decorators.debug import sensitive_post_parameters

from tokens import conf
from tokens.inspection import expectation, key_source
from tokens.inspection.expectation import Expectation
from tokens.inspection.report import LONGEST, Inspection, NoToken, inspect
from tokens.keys import store
from tokens.page_text import translated


class TokenForm(forms.Form):
    """The form with the token to inspect."""

    token = forms.CharField(
        max_length=LONGEST,
        label=gettext_lazy("Token"),
        widget=forms.Textarea(attrs={"rows": 6, "cols": 90, "autocomplete": "off", "spellcheck": "false"}),
    )


@sensitive_post_parameters("token")
def inspect_page(request: HttpRequest) -> HttpResponse:
    """Show the form and, after it was sent, the inspection of the token.

    If the URL's query has an expected value, such as `?kid=abc`, the page also shows if the token has this value. Other
    admin pages link here with such a query.

    Raises PermissionDenied unless the administrator may view signing keys.
    """
    if not request.user.has_perm("tokens.view_signingkey"):
        raise PermissionDenied
    form = TokenForm(request.POST or None)
    context = admin.site.each_context(request) | {"title": gettext("Inspect a token"), "form": form}
    context["expected"] = expected = expectation.read(request.GET)
    if form.is_valid():
        # An empty form: the page must not repeat a token that may still be valid.
        context |= {"form": TokenForm(), **_inspected(form.cleaned_data["token"], expected)}
    response = TemplateResponse(request, "admin/tokens/inspect.html", context)
    response.headers["Cache-Control"] = "no-store"
    return response


def _inspected(text: str, expected: Expectation | None) -> dict[str, object]:
    """Inspect the token in `text`, and compare the token with `expected`. Return the template's variables.

    If `text` is not a token, returns only `problem`, a sentence for the administrator.
    """
    try:
        keys = key_source.of_this_issuer(now=store.database_now())
        inspection = key_source.with_revocation(inspect(text, issuer=conf.issuer().url, keys=keys, now=timezone.now()))
    except NoToken as error:
        return {"problem": gettext("This is not a token: %(problem)s.") % {"problem": translated(error)}}
    return {
        "inspection": inspection,
        **_compared(inspection, expected),
        "header": json.dumps(inspection.header, indent=2),
        "claims": json.dumps(inspection.claims, indent=2),
    }


def _compared(inspection: Inspection, expected: Expectation | None) -> dict[str, object]:
    """Compare the inspected token with `expected`. Return the template's variables, with the result as a sentence.

    Returns {} if `expected` is None.
    """
    if expected is None:
        return {}
    header, claims = inspection.header, inspection.claims
    values = {"name": expected.name, "value": expected.value}
    if expected.holds(header, claims):
        return {"is_expected": True, "comparison": gettext("The token has the %(name)s %(value)s.") % values}
    if not (actual := expected.actual(header, claims)):
        return {"comparison": gettext("The token has no %(name)s. Expected: %(value)s.") % values}
    values["actual"] = ", ".join(actual)
    return {"comparison": gettext("The token has the %(name)s %(actual)s. Expected: %(value)s.") % values}
