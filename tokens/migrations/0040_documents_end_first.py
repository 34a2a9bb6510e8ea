from django.db import migrations

from tokens.triggers import bound_lock_wait


def delete_document_clients(apps, _editor):
    """Delete the clients whose client_id the version before refuses."""
    apps.get_model("tokens", "Client").objects.filter(registered_by="document").delete()


class Migration(migrations.Migration):
    """Backwards, delete the clients with documents. In a migration of its own: PostgreSQL alters no table with pending
    triggers of deleted rows."""

    dependencies = [
        ("tokens", "0039_document_client_ids"),
    ]

    operations = [
        bound_lock_wait(),
        migrations.RunPython(migrations.RunPython.noop, delete_document_clients),
    ]
