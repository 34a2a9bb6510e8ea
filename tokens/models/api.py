"""APIs (resource servers).

The names of the default and validator functions are permanent: migrations import them.
"""

from collections.abc import Collection
from urllib.parse import urlsplit

from django.apps import apps
from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.validators import RegexValidator
from django.db import models
from django.utils.translation import gettext, gettext_lazy

from tokens.addresses import spellings
from tokens.conf import issuer
from tokens.jose.key_format import ALGORITHMS
from tokens.models import lifetimes
from tokens.models.key import Ring

# RFC 6749 section 3.3: %x21 / %x23-5B / %x5D-7E
scope_token = RegexValidator(
    r"\A[\x21\x23-\x5b\x5d-\x7e]+\Z", gettext_lazy('A scope is printable ASCII without space, " and \\.')
)


def signature_algorithms() -> list[str]:
    """Return the signature algorithms that a new API accepts by default: RS256 only."""
    return ["RS256"]


def known_algorithms(value: object) -> None:
    """Raise ValidationError unless `value` is a list of one or more signature algorithms that a key ring can have."""
    if not isinstance(value, list) or not value or any(name not in ALGORITHMS for name in value):
        raise ValidationError(
            gettext('Enter a list of algorithms from %(algorithms)s, such as ["RS256", "ES256"].'),
            params={"algorithms": ", ".join(ALGORITHMS)},
        )


def group_names(value: object) -> None:
    """Raise ValidationError unless `value` is a list of one or more names of groups."""
    if not isinstance(value, list) or not value or not all(isinstance(name, str) and name for name in value):
        raise ValidationError(gettext('Enter a list of names of groups, such as ["editors"], or nothing.'))


def absolute_uri(value: str) -> None:
    """Raise ValidationError unless `value` is an absolute URI without a fragment (RFC 8707 section 2)."""
    parts = urlsplit(value)
    if not (parts.scheme and (parts.netloc or parts.path)) or "#" in value or not value.isascii() or " " in value:
        raise ValidationError(gettext("Enter an absolute URI without a fragment, such as https://api.example/."))


class Api(models.Model):
    """A resource server. Its `identifier` is the `aud` of tokens that are issued for it (RFC 8707 section 2)."""

    identifier = models.CharField(
        max_length=255,
        unique=True,
        validators=[absolute_uri],
        help_text="The <code>aud</code> of this API's tokens. Best the base URL with the slash at its end, such as"
        " https://api.example/, because some resource servers compare it with the URL of a request. For a broker, which"
        " has none: a URN such as urn:example:broker. Compared character by character; only the slash of an empty path"
        " does not matter.",
    )
    name = models.CharField(max_length=100, help_text="Shown to users on the consent page.")
    max_token_lifetime = models.DurationField(
        null=True,
        blank=True,
        validators=lifetimes.validators(lifetimes.LONGEST_ACCESS_TOKEN),
        help_text="The longest lifetime of an access token for this API: one second to one day. Empty: the key"
        " policy's limit only.",
    )
    client = models.ForeignKey(
        settings.OAUTH2_PROVIDER_APPLICATION_MODEL,
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        related_name="operated_apis",
        help_text="The client with which this API authenticates at the issuer, for introspection and token exchange.",
    )

    # Nullable, so that SQLite adds the column without rebuilding the table. None is off.
    gets_groups = models.BooleanField(
        "groups in access tokens",
        null=True,
        blank=True,
        help_text="Put the user's groups (GROUPS_CLAIM) into this API's access tokens if the user granted the scope"
        " groups (RFC 9068 section 2.2.3.1). For APIs that decide by groups.",
    )
    algorithms = models.JSONField(
        default=signature_algorithms,
        validators=[known_algorithms],
        help_text="The signature algorithms that this API accepts (JWA names). A ring with another algorithm cannot"
        " sign its tokens.",
    )
    # Nullable, so that SQLite adds the columns without rebuilding the table. None is off.
    introspection_names_user = models.BooleanField(
        "introspection names the user",
        null=True,
        blank=True,
        help_text="Introspection tells this API's client the user's <code>username</code> and verified"
        " <code>email</code>, for tokens of a user for this API, also without the scopes profile and email. For"
        " software that finds its users by name: Dovecot, django-oauth-toolkit. Off: the API learns the user's"
        " <code>sub</code> only.",
    )
    lists_audience = models.BooleanField(
        "audience as a list",
        null=True,
        blank=True,
        help_text="Write <code>aud</code> as a list with one entry. For a verifier that cannot read a string.",
    )
    dangerously_issues_typ_jwt = models.BooleanField(
        "DANGEROUS: tokens of the type JWT",
        null=True,
        blank=True,
        help_text="Sign this API's tokens with the <code>typ</code> JWT instead of at+jwt. Only for a verifier that"
        " refuses at+jwt (Dovecot's local validation), and only if it compares <code>aud</code>: ID tokens have this"
        " type, so a verifier that does not could take an ID token for an access token. Keyturn's own resource server"
        " refuses such tokens unless DANGEROUSLY_ACCEPT_TYP_JWT is set.",
    )
    ring = models.ForeignKey(
        Ring,
        on_delete=models.PROTECT,
        null=True,
        editable=False,
        related_name="apis",
        help_text="The ring that signs this API's tokens from <code>moves_at</code> on. Empty: the default ring.",
    )
    previous_ring = models.ForeignKey(Ring, on_delete=models.PROTECT, null=True, editable=False, related_name="+")
    moves_at = models.DateTimeField(
        null=True, editable=False, help_text="When the ring of this API changes, or last changed."
    )

    class Meta:
        verbose_name = "API"
        verbose_name_plural = "APIs"
        ordering = ["identifier"]
        constraints = [
            # A URI has a colon. A client_id has none, unless it is the address of a document (`validate_unique`).
            models.CheckConstraint(condition=models.Q(identifier__contains=":"), name="api_identifier_is_a_uri"),
            models.CheckConstraint(
                condition=lifetimes.bounds(max_token_lifetime=lifetimes.LONGEST_ACCESS_TOKEN),
                name="api_lifetime_is_bounded",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.name} ({self.identifier})"

    @classmethod
    def named(cls, identifier: str) -> "Api | None":
        """Return the API with this identifier, or None if there is no such API.

        `https://api.example` and `https://api.example/` are the same identifier. Prefers the API whose spelling is
        exactly that of `identifier`.
        """
        apis = {api.identifier: api for api in cls.objects.filter(identifier__in=spellings(identifier))}
        return apis.get(identifier) or next(iter(apis.values()), None)

    def clean(self) -> None:
        """Raise ValidationError if the identifier is the issuer's URL, which is the audience of tokens for userinfo."""
        super().clean()
        own = issuer().url
        if self.identifier == own or (own in spellings(self.identifier) and self._has_new_identifier()):
            raise ValidationError(
                {"identifier": gettext("This is the issuer itself. Enter an identifier of its own for the API.")}
            )

    def validate_unique(self, exclude: Collection[str] | None = None) -> None:
        """Raise ValidationError if another API has the identifier, or if a client has this text as its client_id.

        `https://api.example` and `https://api.example/` are the same identifier.
        """
        super().validate_unique(exclude=exclude)
        other = Api.objects.exclude(pk=self.pk).filter(identifier__in=spellings(self.identifier)).first()
        if other is not None and self._has_new_identifier():
            raise ValidationError(
                {
                    "identifier": gettext("This is the same URI as %(uri)s, of the API %(name)s.")
                    % {"uri": other.identifier, "name": other.name}
                }
            )
        clients = apps.get_model(settings.OAUTH2_PROVIDER_APPLICATION_MODEL)
        if clients.objects.filter(client_id=self.identifier).exists():
            raise ValidationError(
                {
                    "identifier": gettext(
                        "This is the client ID of a client with a metadata document. Enter another one."
                    )
                }
            )

    def _has_new_identifier(self) -> bool:
        """Return False if the database has this row with this identifier already, else True."""
        # Earlier versions allowed identifiers that are refused now. A stored identifier stays valid.
        return not Api.objects.filter(pk=self.pk, identifier=self.identifier).exists()
