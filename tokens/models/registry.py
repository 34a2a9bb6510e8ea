"""Which version of the registry is in force: a value that the database itself draws anew with every change."""

from django.db import models


class RegistryVersion(models.Model):
    """One row. Triggers write it, whoever changes a client, a secret, an API, a scope or a policy, by whatever door.

    `registry.renew` writes it if everything that a client was issued is revoked.

    The value is random: a transaction that is rolled back leaves none behind that a later one could draw again.
    """

    value = models.CharField(max_length=36)

    def __str__(self) -> str:
        return self.value
