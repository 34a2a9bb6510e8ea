import tokens.models.api
from django.db import migrations, models

from tokens.triggers import bound_lock_wait, registry

# The triggers of the registry's version name the columns.
API_TRIGGERS = registry(model="Api")


class Migration(migrations.Migration):
    dependencies = [
        ("tokens", "0032_login_switches"),
    ]

    operations = [
        bound_lock_wait(),
        API_TRIGGERS.last_backwards(),  # the last step backwards
        migrations.AddField(
            model_name="api",
            name="dangerously_issues_typ_jwt",
            field=models.BooleanField(
                blank=True,
                help_text=(
                    "Sign this API's tokens with the <code>typ</code> JWT instead of at+jwt. Only for a verifier that "
                    "refuses at+jwt (Dovecot's local validation), and only if it compares <code>aud</code>: ID tokens "
                    "have this type, so a verifier that does not could take an ID token for an access token. Keyturn's"
                    " own resource server refuses such tokens unless DANGEROUSLY_ACCEPT_TYP_JWT is set."
                ),
                null=True,
                verbose_name="DANGEROUS: tokens of the type JWT",
            ),
        ),
        migrations.AddField(
            model_name="api",
            name="introspection_names_user",
            field=models.BooleanField(
                blank=True,
                help_text=(
                    "Introspection tells this API's client the user's <code>username</code> and verified "
                    "<code>email</code>, for tokens of a user for this API, also without the scopes profile and email."
                    " For software that finds its users by name: Dovecot, django-oauth-toolkit. Off: the API learns "
                    "the user's <code>sub</code> only."
                ),
                null=True,
                verbose_name="introspection names the user",
            ),
        ),
        migrations.AddField(
            model_name="api",
            name="lists_audience",
            field=models.BooleanField(
                blank=True,
                help_text=(
                    "Write <code>aud</code> as a list with one entry. For a verifier that cannot read a string."
                ),
                null=True,
                verbose_name="audience as a list",
            ),
        ),
        migrations.AlterField(
            model_name="api",
            name="identifier",
            field=models.CharField(
                help_text=(
                    "The <code>aud</code> of this API's tokens. Best the base URL with the slash at its end, such as "
                    "https://api.example/, because some resource servers compare it with the URL of a request. For a "
                    "broker, which has none: a URN such as urn:example:broker. Compared character by character; only "
                    "the slash of an empty path does not matter."
                ),
                max_length=255,
                unique=True,
                validators=[tokens.models.api.absolute_uri],
            ),
        ),
        API_TRIGGERS,
    ]
