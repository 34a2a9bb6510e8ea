from django.db import migrations, models

from tokens.triggers import bound_lock_wait, registry

# The triggers of the registry's version name the columns.
CLIENT_TRIGGERS = registry(model="Client", unless=frozenset({"last_used_on"}))


class Migration(migrations.Migration):
    dependencies = [
        ("tokens", "0030_requested_claims"),
    ]

    operations = [
        bound_lock_wait(),
        CLIENT_TRIGGERS.last_backwards(),  # the last step backwards
        migrations.AddField(
            model_name="client",
            name="allows_any_localhost_port",
            field=models.BooleanField(
                blank=True,
                help_text=(
                    "Public clients only: http://localhost/… matches with any port, as http://127.0.0.1/… and "
                    "http://[::1]/… always do. For native applications that cannot be changed to 127.0.0.1, such as "
                    "msal and MCP clients. localhost is a name, which can resolve to another address (RFC 8252 "
                    "section 8.3)."
                ),
                null=True,
                verbose_name="any port on localhost",
            ),
        ),
        migrations.AddField(
            model_name="client",
            name="pkce",
            field=models.CharField(
                blank=True,
                choices=[
                    ("nonce", "Nonce: a code challenge, or openid with a nonce that the client verifies"),
                    ("optional", "Optional: neither is required"),
                ],
                help_text=(
                    "Leave this at required if the application can send a code challenge. Choose nonce for an "
                    "application that cannot, such as passport-openidconnect, or whose library needs a setting for "
                    "it: its requests then need the scope openid and a nonce (RFC 9700 section 2.1.1). Choose "
                    "optional for certification tests and legacy applications only: section 2.1.1 recommends PKCE "
                    "for confidential clients, too. Public clients are always at required. A code challenge that was "
                    "sent is always enforced."
                ),
                max_length=16,
                null=True,
                verbose_name="PKCE",
            ),
        ),
        CLIENT_TRIGGERS,
    ]
