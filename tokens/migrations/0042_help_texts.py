import datetime
import django.core.validators
import django.db.models.deletion
import tokens.models.api
from django.conf import settings
from django.db import migrations, models

from tokens.triggers import AlterTexts, bound_lock_wait


class Migration(migrations.Migration):
    """Reword help texts. No SQL statement changes a table, because Django alters no column for its help text."""

    dependencies = [
        ("tokens", "0040_documents_end_first"),
    ]

    operations = [
        bound_lock_wait(),
        AlterTexts(
            migrations.AlterField(
                model_name="api",
                name="algorithms",
                field=models.JSONField(
                    default=tokens.models.api.signature_algorithms,
                    help_text="The signature algorithms that this API accepts (JWA names). A ring with another algorithm cannot sign its tokens.",
                    validators=[tokens.models.api.known_algorithms],
                ),
            ),
            migrations.AlterField(
                model_name="api",
                name="client",
                field=models.ForeignKey(
                    blank=True,
                    help_text="The client with which this API authenticates at the issuer, for introspection and token exchange.",
                    null=True,
                    on_delete=django.db.models.deletion.SET_NULL,
                    related_name="operated_apis",
                    to=settings.OAUTH2_PROVIDER_APPLICATION_MODEL,
                ),
            ),
            migrations.AlterField(
                model_name="api",
                name="max_token_lifetime",
                field=models.DurationField(
                    blank=True,
                    help_text="The longest lifetime of an access token for this API: one second to one day. Empty: the key policy's limit only.",
                    null=True,
                    validators=[
                        django.core.validators.MinValueValidator(datetime.timedelta(seconds=1)),
                        django.core.validators.MaxValueValidator(datetime.timedelta(days=1)),
                    ],
                ),
            ),
            migrations.AlterField(
                model_name="api",
                name="moves_at",
                field=models.DateTimeField(
                    editable=False, help_text="When the ring of this API changes, or last changed.", null=True
                ),
            ),
            migrations.AlterField(
                model_name="api",
                name="name",
                field=models.CharField(help_text="Shown to users on the consent page.", max_length=100),
            ),
            migrations.AlterField(
                model_name="api",
                name="ring",
                field=models.ForeignKey(
                    editable=False,
                    help_text="The ring that signs this API's tokens from <code>moves_at</code> on. Empty: the default ring.",
                    null=True,
                    on_delete=django.db.models.deletion.PROTECT,
                    related_name="apis",
                    to="tokens.ring",
                ),
            ),
            migrations.AlterField(
                model_name="auditevent",
                name="action",
                field=models.CharField(
                    db_index=True, help_text="The name of the event, such as key.revoked or client.created.", max_length=64
                ),
            ),
            migrations.AlterField(
                model_name="auditevent",
                name="actor",
                field=models.CharField(help_text="The user, client or command that caused the event.", max_length=255),
            ),
            migrations.AlterField(
                model_name="auditevent",
                name="subject",
                field=models.CharField(
                    help_text="The key, client, user or other object that the event is about.", max_length=255
                ),
            ),
            migrations.AlterField(
                model_name="authorizationcode",
                name="code_challenge",
                field=models.CharField(
                    help_text="The code challenge of the authorization request, method S256 (RFC 7636).", max_length=128
                ),
            ),
            migrations.AlterField(
                model_name="client",
                name="accepts_token_endpoint_audience",
                field=models.BooleanField(
                    default=False,
                    help_text="Accept also the URL of the token endpoint as the <code>aud</code> of an assertion, not only the issuer's URL.",
                    verbose_name="legacy audience",
                ),
            ),
            migrations.AlterField(
                model_name="client",
                name="access_token_lifetime",
                field=models.DurationField(
                    blank=True,
                    help_text="One second to one day, and never longer than the key policy allows. Empty: the issuer's setting.",
                    null=True,
                    validators=[
                        django.core.validators.MinValueValidator(datetime.timedelta(seconds=1)),
                        django.core.validators.MaxValueValidator(datetime.timedelta(days=1)),
                    ],
                ),
            ),
            migrations.AlterField(
                model_name="client",
                name="always_gets_refresh_token",
                field=models.BooleanField(
                    default=False,
                    help_text="Issue a refresh token even if the client does not request the scope offline_access.",
                ),
            ),
            migrations.AlterField(
                model_name="client",
                name="apis",
                field=models.ManyToManyField(
                    blank=True,
                    help_text="APIs for which the client may request tokens without a scope. Do not list APIs of the scopes above.",
                    related_name="clients",
                    to="tokens.api",
                    verbose_name="further APIs",
                ),
            ),
            migrations.AlterField(
                model_name="client",
                name="client_jwks",
                field=models.JSONField(
                    blank=True,
                    help_text="A JWKS that contains public keys only, for authentication with private_key_jwt.",
                    null=True,
                    verbose_name="public keys",
                ),
            ),
            migrations.AlterField(
                model_name="client",
                name="client_jwks_uri",
                field=models.URLField(
                    blank=True,
                    default="",
                    help_text="The https URL at which the client publishes its JWKS. Use it instead of pasted keys.",
                    verbose_name="address of public keys",
                ),
            ),
            migrations.AlterField(
                model_name="client",
                name="grants",
                field=models.JSONField(blank=True, default=list, help_text="The grant types that this client may use."),
            ),
            migrations.AlterField(
                model_name="client",
                name="is_active",
                field=models.BooleanField(
                    default=True, help_text="An inactive client cannot get tokens.", verbose_name="active"
                ),
            ),
            migrations.AlterField(
                model_name="client",
                name="refresh_token_idle_lifetime",
                field=models.DurationField(
                    blank=True,
                    help_text="The longest time between two uses of a refresh token. Empty: the issuer's setting.",
                    null=True,
                    validators=[
                        django.core.validators.MinValueValidator(datetime.timedelta(seconds=1)),
                        django.core.validators.MaxValueValidator(datetime.timedelta(days=3650)),
                    ],
                ),
            ),
            migrations.AlterField(
                model_name="client",
                name="refresh_token_lifetime",
                field=models.DurationField(
                    blank=True,
                    help_text="The longest time from the user's consent to the last refresh, at most ten years. Empty: the issuer's setting.",
                    null=True,
                    validators=[
                        django.core.validators.MinValueValidator(datetime.timedelta(seconds=1)),
                        django.core.validators.MaxValueValidator(datetime.timedelta(days=3650)),
                    ],
                ),
            ),
            migrations.AlterField(
                model_name="client",
                name="registered_by",
                field=models.CharField(
                    blank=True,
                    choices=[
                        ("document", "its metadata document (the client ID is its address)"),
                        ("dynamic", "dynamic registration"),
                    ],
                    editable=False,
                    help_text="How the client registered itself. Empty: an operator registered the client.",
                    max_length=8,
                    null=True,
                ),
            ),
            migrations.AlterField(
                model_name="client",
                name="remembers_consent",
                field=models.BooleanField(
                    default=True, help_text="Do not ask a user again for scopes that the user has already allowed."
                ),
            ),
            migrations.AlterField(
                model_name="client",
                name="rotates_refresh_tokens",
                field=models.BooleanField(
                    default=False, help_text="Replace the refresh token at each use. Always on for public clients."
                ),
            ),
            migrations.AlterField(
                model_name="client",
                name="skip_authorization",
                field=models.BooleanField(
                    default=False,
                    help_text="For first-party clients: never ask users for consent.",
                    verbose_name="skips consent",
                ),
            ),
            migrations.AlterField(
                model_name="clientsecret",
                name="encryption_key_id",
                field=models.CharField(
                    help_text="The ID of the KEY_ENCRYPTION_KEYS entry that the hash is keyed with.", max_length=16
                ),
            ),
            migrations.AlterField(
                model_name="clientsecret",
                name="hint",
                field=models.CharField(
                    help_text="The last four characters of the secret, to identify it in lists.", max_length=4
                ),
            ),
            migrations.AlterField(
                model_name="consent",
                name="claims",
                field=models.TextField(
                    blank=True,
                    help_text="The claims beyond those of the scopes that the user allowed, separated by spaces.",
                    null=True,
                ),
            ),
            migrations.AlterField(
                model_name="consent",
                name="scope",
                field=models.TextField(help_text="The scopes that the user allowed, separated by spaces."),
            ),
            migrations.AlterField(
                model_name="devicecode",
                name="asked_at",
                field=models.DateTimeField(
                    blank=True, help_text="When the device last polled the token endpoint.", null=True
                ),
            ),
            migrations.AlterField(
                model_name="devicecode",
                name="grant",
                field=models.OneToOneField(
                    help_text="The user grant that the user gave. Empty: not allowed yet.",
                    null=True,
                    on_delete=django.db.models.deletion.CASCADE,
                    related_name="device_code",
                    to="tokens.usergrant",
                ),
            ),
            migrations.AlterField(
                model_name="devicecode",
                name="interval",
                field=models.PositiveSmallIntegerField(
                    help_text="The shortest time between two polls of the device, in seconds."
                ),
            ),
            migrations.AlterField(
                model_name="devicecode",
                name="scope",
                field=models.TextField(help_text="The scopes that the device requested, separated by spaces."),
            ),
            migrations.AlterField(
                model_name="initialaccesstoken",
                name="hint",
                field=models.CharField(
                    editable=False,
                    help_text="The last four characters of the token, to identify it in lists.",
                    max_length=4,
                ),
            ),
            migrations.AlterField(
                model_name="initialaccesstoken",
                name="note",
                field=models.CharField(help_text="The recipient of the token, and its purpose.", max_length=100),
            ),
            migrations.AlterField(
                model_name="initialaccesstoken",
                name="registrations_left",
                field=models.PositiveIntegerField(help_text="How many more clients can be registered with this token."),
            ),
            migrations.AlterField(
                model_name="openclient",
                name="ends_at",
                field=models.DateTimeField(
                    db_index=True, help_text="From then on, the client is deleted if it is unused and has no user grant."
                ),
            ),
            migrations.AlterField(
                model_name="openclient",
                name="failure",
                field=models.CharField(
                    blank=True,
                    default="",
                    help_text="Why the last fetch of the metadata document failed. Empty: it succeeded.",
                    max_length=255,
                ),
            ),
            migrations.AlterField(
                model_name="openclient",
                name="fetched_at",
                field=models.DateTimeField(
                    blank=True, help_text="When the metadata document was last fetched successfully.", null=True
                ),
            ),
            migrations.AlterField(
                model_name="openclient",
                name="fresh_until",
                field=models.DateTimeField(
                    blank=True, help_text="When the metadata document must be fetched again.", null=True
                ),
            ),
            migrations.AlterField(
                model_name="openclient",
                name="token_digest",
                field=models.CharField(
                    blank=True,
                    default="",
                    editable=False,
                    help_text="The SHA-256 of the registration access token (RFC 7592).",
                    max_length=64,
                ),
            ),
            migrations.AlterField(
                model_name="publication",
                name="until",
                field=models.BigIntegerField(help_text="The Unix second at which the last entry in it expires."),
            ),
            migrations.AlterField(
                model_name="refreshtoken",
                name="encryption_key_id",
                field=models.CharField(
                    blank=True,
                    db_default="",
                    default="",
                    help_text="The ID of the KEY_ENCRYPTION_KEYS entry that the token is derived from. Empty: a random token of an earlier version.",
                    max_length=16,
                ),
            ),
            migrations.AlterField(
                model_name="refreshtoken",
                name="expires_at",
                field=models.DateTimeField(
                    db_index=True, help_text="When the refresh token expires, also for retries after a lost response."
                ),
            ),
            migrations.AlterField(
                model_name="refreshtoken",
                name="family",
                field=models.CharField(
                    help_text="The SHA-256 of the prefix that all refresh tokens of one family share.", max_length=64
                ),
            ),
            migrations.AlterField(
                model_name="refreshtoken",
                name="generation",
                field=models.PositiveIntegerField(
                    db_default=0,
                    default=0,
                    help_text="The number of rotations before this refresh token. 0: issued by an earlier version.",
                ),
            ),
            migrations.AlterField(
                model_name="refreshtoken",
                name="previous",
                field=models.CharField(
                    blank=True,
                    help_text="The digest of the previous refresh token. It stays after that row is purged.",
                    max_length=64,
                ),
            ),
            migrations.AlterField(
                model_name="refreshtoken",
                name="retried_at",
                field=models.DateTimeField(
                    blank=True, help_text="When the refresh token was used again within the retry window.", null=True
                ),
            ),
            migrations.AlterField(
                model_name="refreshtoken",
                name="used_at",
                field=models.DateTimeField(
                    blank=True, help_text="When the refresh token was used and replaced by its successor.", null=True
                ),
            ),
            migrations.AlterField(
                model_name="revocation",
                name="issued_before",
                field=models.BigIntegerField(
                    help_text="Tokens issued before this Unix second are revoked. 0: all tokens are."
                ),
            ),
            migrations.AlterField(
                model_name="revocation",
                name="key",
                field=models.UUIDField(
                    help_text="The first half of the SHA-256 of kind and identifier.", primary_key=True, serialize=False
                ),
            ),
            migrations.AlterField(
                model_name="revocation",
                name="until",
                field=models.BigIntegerField(
                    db_index=True,
                    help_text="The Unix second at which the last token that this revocation covers has expired.",
                ),
            ),
            migrations.AlterField(
                model_name="revocationlog",
                name="sealed",
                field=models.BigIntegerField(help_text="The entries up to this version are in segments."),
            ),
            migrations.AlterField(
                model_name="revocationlog",
                name="tag",
                field=models.CharField(
                    help_text="A random tag. It differs if a restored database uses the same version again.", max_length=11
                ),
            ),
            migrations.AlterField(
                model_name="revocationlog",
                name="unsealed",
                field=models.IntegerField(help_text="The number of entries published after that version."),
            ),
            migrations.AlterField(
                model_name="revocationlog",
                name="version",
                field=models.BigIntegerField(help_text="The version of the last publication."),
            ),
            migrations.AlterField(
                model_name="ring",
                name="algorithm",
                field=models.CharField(
                    editable=False, help_text="The JWA name of the signature algorithm. It never changes.", max_length=10
                ),
            ),
            migrations.AlterField(
                model_name="ring",
                name="assumed",
                field=models.JSONField(
                    editable=False,
                    help_text="Longer timings of an earlier policy that new plans must respect. Empty: none.",
                    null=True,
                ),
            ),
            migrations.AlterField(
                model_name="ring",
                name="assumed_until",
                field=models.DateTimeField(
                    editable=False, help_text="Until when new plans must respect the longer timings.", null=True
                ),
            ),
            migrations.AlterField(
                model_name="ring",
                name="bits",
                field=models.PositiveSmallIntegerField(
                    editable=False,
                    help_text="The size of the RSA modulus in bits. Empty: 2048, or the algorithm is not RSA.",
                    null=True,
                ),
            ),
            migrations.AlterField(
                model_name="ring",
                name="keystore",
                field=models.CharField(
                    default="database", editable=False, help_text="Where the private keys are stored.", max_length=10
                ),
            ),
            migrations.AlterField(
                model_name="ring",
                name="policy",
                field=models.JSONField(editable=False, help_text="The timings of the key policy that apply, in seconds."),
            ),
            migrations.AlterField(
                model_name="scope",
                name="description",
                field=models.CharField(help_text="Shown to users on the consent page.", max_length=200),
            ),
            migrations.AlterField(
                model_name="segment",
                name="digest",
                field=models.CharField(
                    help_text="The SHA-256 of the body, in base64url.", max_length=43, primary_key=True, serialize=False
                ),
            ),
            migrations.AlterField(
                model_name="segment",
                name="until",
                field=models.BigIntegerField(
                    db_index=True, help_text="The Unix second at which the last entry in it expires."
                ),
            ),
            migrations.AlterField(
                model_name="segment",
                name="version",
                field=models.BigIntegerField(db_index=True, help_text="The version of the last entry in the segment."),
            ),
            migrations.AlterField(
                model_name="signingkey",
                name="kid",
                field=models.CharField(
                    help_text="The key ID: the thumbprint of the public key (RFC 7638).",
                    max_length=64,
                    unique=True,
                    verbose_name="kid",
                ),
            ),
            migrations.AlterField(
                model_name="signingkey",
                name="max_lifetime",
                field=models.DurationField(help_text="The longest lifetime of a token that this key may sign."),
            ),
            migrations.AlterField(
                model_name="usergrant",
                name="amr",
                field=models.JSONField(
                    blank=True, default=list, help_text="The methods by which the user authenticated (RFC 8176)."
                ),
            ),
            migrations.AlterField(
                model_name="usergrant",
                name="audience",
                field=models.CharField(
                    help_text="The identifier of the API that the tokens are for, or the issuer's URL.", max_length=255
                ),
            ),
            migrations.AlterField(
                model_name="usergrant",
                name="auth_time",
                field=models.DateTimeField(
                    help_text="When the user authenticated in the session in which the user allowed the client."
                ),
            ),
            migrations.AlterField(
                model_name="usergrant",
                name="claims",
                field=models.JSONField(
                    blank=True,
                    help_text="The claims that the client requested by name (OpenID Connect Core section 5.5).",
                    null=True,
                ),
            ),
            migrations.AlterField(
                model_name="usergrant",
                name="ends_at",
                field=models.DateTimeField(
                    db_index=True, help_text="When the grant expires. No token is issued under it from then on."
                ),
            ),
            migrations.AlterField(
                model_name="usergrant",
                name="refresh_until",
                field=models.DateTimeField(
                    blank=True,
                    help_text="When the last refresh token of the grant expires. Empty: with the grant.",
                    null=True,
                    verbose_name="refresh tokens end at",
                ),
            ),
            migrations.AlterField(
                model_name="usergrant",
                name="scope",
                field=models.TextField(help_text="The scopes that the user allowed, separated by spaces."),
            ),
            migrations.AlterField(
                model_name="usergrant",
                name="session_epoch",
                field=models.UUIDField(
                    editable=False,
                    help_text="The user's session epoch when the user allowed the client. The grant ends when the epoch changes.",
                    null=True,
                ),
            ),
            migrations.AlterField(
                model_name="waitingentry",
                name="entry",
                field=models.BinaryField(help_text="The entry as it is published: 24 bytes."),
            ),
        ),
    ]
