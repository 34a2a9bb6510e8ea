from django.db import migrations

from tokens.triggers import bound_lock_wait


def delete_document_clients(apps, _editor):
    """Delete the clients with a metadata document. The previous version refuses their client_id."""
    apps.get_model("tokens", "Client").objects.filter(registered_by="document").delete()


class Migration(migrations.Migration):
    """Delete the clients with a metadata document when the migrations are reverted.

    This is a migration of its own, because PostgreSQL cannot alter a table while triggers of deleted rows are pending.
    """

    dependencies = [
        ("tokens", "0039_document_client_ids"),
    ]

    operations = [
        bound_lock_wait(),
        migrations.RunPython(migrations.RunPython.noop, delete_document_clients),
    ]
