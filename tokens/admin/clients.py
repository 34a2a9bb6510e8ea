"""Clients in the admin: register one, give it a further secret, end a secret. A secret is shown once, when made."""

from typing import Any

from django import forms
from django.contrib import admin
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils import timezone

from tokens.audit import record
from tokens.models import AuthenticationMethod, Client, ClientSecret, GrantType
from tokens.oauth import client_secret
from tokens.oauth.client_authentication import SECRET_METHODS
from tokens.oauth.server import GRANTS

HIDDEN = "_client_secret"
REACHABLE = {grant.name for grant in GRANTS}


class ClientForm(forms.ModelForm):  # type: ignore[type-arg]  # a plain class at run time
    """A client's own page."""

    grants = forms.MultipleChoiceField(
        choices=[(grant.value, grant.label) for grant in GrantType if grant.value in REACHABLE],
        widget=forms.CheckboxSelectMultiple,
    )
    new_secret = forms.BooleanField(
        required=False,
        label="Make a further secret",
        help_text="It is shown once, on the page after saving. The others stay valid until you end them.",
    )

    token_endpoint_auth_method = forms.ChoiceField(
        choices=[("", "By its type: a secret, or nothing for a public client"), *AuthenticationMethod.choices],
        required=False,
        label="Authentication",
    )

    client_jwks_uri = forms.URLField(
        required=False,
        assume_scheme="https",
        label="Address of public keys",
        help_text="Or where the client publishes them: an https address, fetched when needed.",
    )

    class Meta:
        model = Client
        fields = ["name", "client_id", "client_type", "is_active", "grants", "scopes", "redirect_uris"]
        widgets = {"redirect_uris": forms.Textarea(attrs={"rows": 3})}

    def clean(self) -> dict[str, Any]:
        """Fit how the client proves who it is to its type, where the two contradict each other."""
        data = super().clean() or {}
        public = data.get("client_type") == Client.CLIENT_PUBLIC
        if public and data.get("new_secret"):
            self.add_error("new_secret", "A public client cannot keep a secret.")
        method = data.get("token_endpoint_auth_method") or self.instance.token_endpoint_auth_method
        if public != (method == AuthenticationMethod.NONE):
            method = AuthenticationMethod.NONE if public else AuthenticationMethod.SECRET_BASIC
        data["token_endpoint_auth_method"] = method
        if method == AuthenticationMethod.PRIVATE_KEY_JWT and data.get("new_secret"):
            self.add_error("new_secret", "This client proves itself with its own key, and has no use for a secret.")
        return data


class SecretForm(forms.ModelForm):  # type: ignore[type-arg]  # a plain class at run time
    """When a secret ends."""

    def clean_revoked_at(self) -> Any:
        """A revoked secret stays revoked."""
        if self.instance.revoked_at and self.cleaned_data["revoked_at"] != self.instance.revoked_at:
            raise forms.ValidationError("A revoked secret stays revoked. Make a further one instead.")
        return self.cleaned_data["revoked_at"]


class SecretInline(admin.TabularInline):  # type: ignore[type-arg]  # a plain class at run time
    """The secrets of a client: their ends and dates, never themselves."""

    model = ClientSecret
    form = SecretForm
    extra = 0
    can_delete = False
    fields = ["hint", "created_at", "last_used_on", "expires_at", "revoked_at"]
    readonly_fields = ["hint", "created_at", "last_used_on"]
    verbose_name_plural = "secrets (to end one, give it a date of expiry or revocation)"

    def has_add_permission(self, _request: HttpRequest, _obj: Any = None) -> bool:
        """A secret is made with the box above, not by hand."""
        return False


@admin.register(Client)
class ClientAdmin(admin.ModelAdmin):  # type: ignore[type-arg]  # a plain class at run time
    """Clients, found by name or client_id."""

    form = ClientForm
    list_display = ["name", "client_id", "client_type", "is_active", "last_used_on"]
    list_filter = ["is_active", "client_type"]
    search_fields = ["name", "client_id"]
    filter_horizontal = ["scopes", "apis"]
    fieldsets = [
        (None, {"fields": ["name", "client_id", "client_type", "is_active"]}),
        (
            "What it may do",
            {"fields": ["grants", "scopes", "apis", "redirect_uris", "access_token_lifetime"]},
        ),
        (
            "Users",
            {
                "fields": [
                    "skip_authorization",
                    "remembers_consent",
                    "post_logout_redirect_uris",
                    "allowed_origins",
                    "always_gets_refresh_token",
                    "rotates_refresh_tokens",
                    "refresh_token_lifetime",
                    "refresh_token_idle_lifetime",
                ]
            },
        ),
        (
            "How it proves who it is",
            {
                "fields": [
                    "token_endpoint_auth_method",
                    "client_jwks",
                    "client_jwks_uri",
                    "accepts_token_endpoint_audience",
                ]
            },
        ),
        ("Secrets", {"fields": ["new_secret"]}),
    ]

    def get_inlines(self, _request: HttpRequest, obj: Any = None) -> Any:
        """Secrets, where there is a client already."""
        return [SecretInline] if obj else []

    def get_readonly_fields(self, _request: HttpRequest, obj: Any = None) -> Any:
        """A client_id is given once: tokens and logs name it."""
        return ["client_id"] if obj else []

    def save_model(self, request: HttpRequest, obj: Client, form: Any, change: Any) -> None:
        """Save the client, with a first secret for a confidential one."""
        super().save_model(request, obj, form, change)
        by_secret = obj.token_endpoint_auth_method in SECRET_METHODS
        if by_secret and (form.cleaned_data.get("new_secret") or not obj.secrets.exists()):
            setattr(request, HIDDEN, client_secret.create(obj, now=timezone.now()))
        action, details = ("client.changed", _changes(form)) if change else ("client.created", {})
        actor, subject = f"user:{request.user.get_username()}", f"client:{obj.client_id}"
        record(action, actor=actor, subject=subject, details=details, now=timezone.now())

    def save_formset(self, request: HttpRequest, form: Any, formset: Any, change: Any) -> None:
        """Keep in the audit trail, each as a step of its own, which secrets were given another end."""
        super().save_formset(request, form, formset, change)
        for secret, changed in formset.changed_objects:
            dates = {"secret": str(secret), **{name: str(getattr(secret, name)) for name in changed}}
            actor, subject = f"user:{request.user.get_username()}", f"client:{form.instance.client_id}"
            action = "client_secret.revoked" if "revoked_at" in changed else "client_secret.expiry_changed"
            record(action, actor=actor, subject=subject, details=dates, now=timezone.now())

    def response_add(self, request: HttpRequest, obj: Client, post_url_continue: str | None = None) -> HttpResponse:
        """The page with the secret, or Django's own answer."""
        return self._secret_page(request, obj) or super().response_add(request, obj, post_url_continue)

    def response_change(self, request: HttpRequest, obj: Client) -> HttpResponse:
        """The page with the secret, or Django's own answer."""
        return self._secret_page(request, obj) or super().response_change(request, obj)

    @transaction.atomic
    def changeform_view(self, *args: Any, **kwargs: Any) -> Any:
        """A client, its scopes and its secret are saved together or not at all."""
        return super().changeform_view(*args, **kwargs)

    def _secret_page(self, request: HttpRequest, client: Client) -> HttpResponse | None:
        """The secret, in the answer to the form itself: it is stored nowhere, and cannot be shown again."""
        secret = getattr(request, HIDDEN, None)
        if secret is None:
            return None
        context = {
            **self.admin_site.each_context(request),
            "title": "Client secret",
            "client": client,
            "secret": secret,
        }
        return TemplateResponse(
            request, "admin/tokens/client/secret.html", context, headers={"Cache-Control": "no-store"}
        )


def _changes(form: Any) -> dict[str, list[str]]:
    """Each field that was changed, as it was and as it is: nothing of a client's page is a secret."""
    return {
        name: [_told(form.initial.get(name)), _told(form.cleaned_data.get(name))]
        for name in form.changed_data
        if name != "new_secret"
    }


def _told(value: Any) -> str:
    return ", ".join(map(str, value)) if hasattr(value, "__iter__") and not isinstance(value, str) else str(value)
