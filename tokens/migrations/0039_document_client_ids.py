from django.db import migrations, models

from tokens.triggers import bound_lock_wait, registry

# SQLite rebuilds the table for its constraints and drops the triggers.
CLIENT_TRIGGERS = registry(model="Client", unless=frozenset({"last_used_on"}))


class Migration(migrations.Migration):
    """Permit a client_id with a colon for a client with a metadata document.

    The client_id of such a client is the address of the document.
    """

    dependencies = [
        ("tokens", "0038_open_clients"),
    ]

    operations = [
        bound_lock_wait(),
        CLIENT_TRIGGERS.last_backwards(),  # the last step backwards
        migrations.RemoveConstraint(model_name="client", name="client_id_is_never_an_api_identifier"),
        migrations.AddConstraint(
            model_name="client",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("client_id__contains", ":"), _negated=True),
                    models.Q(("registered_by", "document"), ("registered_by__isnull", False)),
                    _connector="OR",
                ),
                name="client_id_with_a_colon_is_a_document",
            ),
        ),
        migrations.RemoveConstraint(model_name="client", name="client_id_is_never_a_subject"),
        migrations.AddConstraint(
            model_name="client",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("client_id__length", 36), _negated=True),
                    ("client_id__contains", ":"),
                    _connector="OR",
                ),
                name="client_id_is_a_document_or_never_a_subject",
            ),
        ),
        CLIENT_TRIGGERS,
    ]
