"""A page of the admin: paste a token of this issuer, and see what it is. It fetches nothing."""

import json

from django import forms
from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils import timezone
from django.views.decorators.debug import sensitive_post_parameters

from tokens import conf
from tokens.inspection import key_source
from tokens.inspection.report import LONGEST, NoToken, inspect
from tokens.keys import store


class TokenForm(forms.Form):
    """The token."""

    token = forms.CharField(
        max_length=LONGEST,
        widget=forms.Textarea(attrs={"rows": 6, "cols": 90, "autocomplete": "off", "spellcheck": "false"}),
    )


@sensitive_post_parameters("token")
def inspect_page(request: HttpRequest) -> HttpResponse:
    """The form, and what was found about the token in it, for whoever may look at signing keys.

    The token itself is not shown again.
    """
    if not request.user.has_perm("tokens.view_signingkey"):
        raise PermissionDenied
    form = TokenForm(request.POST or None)
    context = admin.site.each_context(request) | {"title": "Inspect a token", "form": form}
    if form.is_valid():
        context |= {"form": TokenForm(), **_looked_at(form.cleaned_data["token"])}
    response = TemplateResponse(request, "admin/tokens/inspect.html", context)
    response.headers["Cache-Control"] = "no-store"
    return response


def _looked_at(text: str) -> dict[str, object]:
    try:
        keys = key_source.own(now=store.database_now())
        found = key_source.with_revocation(inspect(text, issuer=conf.issuer().url, keys=keys, now=timezone.now()))
    except NoToken as error:
        return {"problem": f"This is no token: {error}."}
    return {
        "found": found,
        "header": json.dumps(found.header, indent=2),
        "claims": json.dumps(found.claims, indent=2),
    }
