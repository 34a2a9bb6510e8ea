from django.db import migrations, models

from tokens.triggers import registry

LAST_USED = frozenset({"last_used_on"})
REHASHED = frozenset({"digest", "encryption_key_id"})


class Migration(migrations.Migration):
    dependencies = [
        ("tokens", "0011_consents"),
    ]

    operations = [
        migrations.CreateModel(
            name="RegistryVersion",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("value", models.CharField(max_length=36)),
            ],
        ),
        migrations.RunSQL("INSERT INTO tokens_registryversion (id, value) VALUES (1, 'first')", migrations.RunSQL.noop),
        registry(model="Client", unless=LAST_USED),
        # A hash under another encrypting key is of the same secret, and is made beside requests, which wait for nobody.
        registry(model="ClientSecret", unless=LAST_USED | REHASHED),
        *(
            registry(model=model)
            for model in (
                "Api",
                "Scope",
                "ExchangePolicy",
                "Client_scopes",
                "Client_apis",
                "ExchangePolicy_scopes",
            )
        ),
    ]
