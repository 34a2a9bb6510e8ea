from django.db import migrations

from tokens.triggers import bound_lock_wait


class Migration(migrations.Migration):
    """Add the permissions for special rights of clients. No SQL statement changes a table."""

    dependencies = [
        ("tokens", "0051_activity"),
    ]

    operations = [
        bound_lock_wait(),
        migrations.AlterModelOptions(
            name="client",
            options={
                "permissions": [
                    ("register_first_party", "Can register clients that never ask users for consent"),
                    ("grant_jwt_bearer", "Can register clients that act for users (JWT bearer)"),
                    ("grant_token_exchange", "Can register clients that exchange users' tokens"),
                    ("redirect_anywhere", "Can register redirect URIs outside of the allow-list"),
                ]
            },
        ),
    ]
