"""The version of the registry: clients, secrets, APIs, scopes and exchange policies.

Processes cache the registry by its version (docs/decisions/005-registry-version.md).
"""

from django.db import models


class RegistryVersion(models.Model):
    """The version of the registry: one row. Triggers change it if a client, secret, API, scope or policy changes."""

    # Random, not a counter: after a rollback, a counter would use the same number again for other contents.

    value = models.CharField(max_length=36)

    def __str__(self) -> str:
        return self.value
