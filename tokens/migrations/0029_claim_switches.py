from django.db import migrations, models

import tokens.models.api
from tokens.triggers import bound_lock_wait, registry

# The triggers of the registry's version name the columns.
TRIGGERS = (
    registry(model="Client", unless=frozenset({"last_used_on"})),
    registry(model="Api"),
    registry(model="Scope"),
)


class Migration(migrations.Migration):
    dependencies = [
        ("tokens", "0028_pinned_authentication"),
    ]

    operations = [
        bound_lock_wait(),
        # the last steps backwards
        *(trigger.last_backwards() for trigger in TRIGGERS),
        # Nullable: SQLite does not rebuild the tables for these columns, and keeps their triggers.
        migrations.AddField(
            model_name="client",
            name="userinfo_by_api_tokens",
            field=models.BooleanField(
                blank=True,
                help_text=(
                    "Userinfo answers each access token of a user who granted openid, also one for an API, which most "
                    "libraries rely on. Turn it off if APIs must not read the claims of their tokens' users; the "
                    "client then asks for a token for the issuer (resource=ISSUER_URL)."
                ),
                null=True,
                verbose_name="userinfo by API tokens",
            ),
        ),
        migrations.AddField(
            model_name="client",
            name="claims_in_id_token",
            field=models.BooleanField(
                blank=True,
                help_text=(
                    "Always put the claims of profile, email and the other granted scopes into the ID token. For "
                    "clients that never ask userinfo. Off: only if the access token is for an API."
                ),
                null=True,
                verbose_name="user's claims in the ID token",
            ),
        ),
        migrations.AddField(
            model_name="api",
            name="gets_groups",
            field=models.BooleanField(
                blank=True,
                help_text=(
                    "Put the user's groups (GROUPS_CLAIM) into this API's access tokens if the user granted the scope "
                    "groups (RFC 9068 section 2.2.3.1). For APIs that decide by groups."
                ),
                null=True,
                verbose_name="groups in access tokens",
            ),
        ),
        migrations.AddField(
            model_name="scope",
            name="groups",
            field=models.JSONField(
                blank=True,
                help_text=(
                    "Only users in one of these groups get the scope. A user who left them loses it at the next "
                    "refresh. Names: a group that was renamed no longer counts. A client that acts for itself is not "
                    "limited."
                ),
                null=True,
                validators=[tokens.models.api.group_names],
                verbose_name="only for groups",
            ),
        ),
        *TRIGGERS,
    ]
