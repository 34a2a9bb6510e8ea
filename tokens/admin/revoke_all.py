"""A page of the admin that revokes everything that the issuer has issued so far, like `revoke_tokens --all`.

1. Only superusers may open the page, because the revocation logs superusers out, too.
2. The page first counts what would be revoked.
3. The page revokes everything after the administrator confirms the form with a reason.
"""

from django import forms
from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils.translation import gettext, gettext_lazy

from tokens.admin import events
from tokens.revoking import bulk
from tokens.revoking.bulk import BulkTarget

EVERYTHING = BulkTarget(everything=True)


class RevokeAllForm(forms.Form):
    """The form that confirms the revocation, with a reason for the audit trail."""

    reason = forms.CharField(
        max_length=200,
        label=gettext_lazy("Reason"),
        help_text=gettext_lazy("Stored with the user grants and in the audit trail."),
    )
    confirmed = forms.BooleanField(label=gettext_lazy("Revoke everything, and log every user out"))


def may_revoke_all(request: HttpRequest) -> bool:
    """Return True if the administrator may revoke everything."""
    return bool(request.user.is_active and request.user.is_superuser)


def revoke_all_page(request: HttpRequest) -> HttpResponse:
    """Show what would be revoked, or revoke everything if the form is confirmed. Only superusers may open the page."""
    if not may_revoke_all(request):
        raise PermissionDenied
    form = RevokeAllForm(request.POST or None)
    context = admin.site.each_context(request) | {"title": gettext("Revoke everything"), "form": form}
    if request.method == "POST" and form.is_valid():
        actor = events.actor(request)
        context["revoked"] = bulk.revoke(EVERYTHING, reason=form.cleaned_data["reason"], actor=actor)
    else:
        context["counts"] = bulk.preview(EVERYTHING)
    return TemplateResponse(request, "admin/tokens/client/revoke_all.html", context)
