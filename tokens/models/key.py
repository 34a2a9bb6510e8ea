"""Rings of signing keys, and the keys in them.

- The phase of a key is computed from its dates and never stored.
- CHECK constraints here enforce the rules about a single row.
- Triggers enforce the rules about the change of a row (tokens/migrations/0016_key_rules.py).
"""

from dataclasses import fields
from functools import reduce
from operator import and_

from django.db import models
from django.db.models import F, Q

from tokens.keys.rules.policy import Policy

CENTURIES = 1e10
"""Seconds, more than any timing. A text is never between 0 and this bound: SQLite sorts texts after all numbers, and
PostgreSQL before them."""


def whole_policy(column: str) -> Q:
    """Return the CHECK condition that a JSON column has every timing of a key policy, each a number above zero."""
    names = [field.name for field in fields(Policy)]
    numbers = (Q(**{f"{column}__{name}__gt": 0, f"{column}__{name}__lt": CENTURIES}) for name in names)
    return reduce(and_, numbers, Q(**{f"{column}__has_keys": names}))


class Ring(models.Model):
    """A key ring: keys of one algorithm that succeed each other. Each rotation step locks the row of the ring."""

    name = models.SlugField(max_length=50, unique=True)
    algorithm = models.CharField(
        max_length=10, editable=False, help_text="The JWA name of the signature algorithm. It never changes."
    )
    bits = models.PositiveSmallIntegerField(
        null=True,
        editable=False,
        help_text="The size of the RSA modulus in bits. Empty: 2048, or the algorithm is not RSA.",
    )
    keystore = models.CharField(
        max_length=10, editable=False, default="database", help_text="Where the private keys are stored."
    )
    policy = models.JSONField(editable=False, help_text="The timings of the key policy that apply, in seconds.")
    assumed = models.JSONField(
        null=True,
        editable=False,
        help_text="Longer timings of an earlier policy that new plans must respect. Empty: none.",
    )
    assumed_until = models.DateTimeField(
        null=True, editable=False, help_text="Until when new plans must respect the longer timings."
    )

    class Meta:
        constraints = [
            models.CheckConstraint(condition=whole_policy("policy"), name="ring_has_a_whole_policy"),
            models.CheckConstraint(
                condition=Q(assumed__isnull=True, assumed_until=None)
                | (Q(assumed__isnull=False, assumed_until__isnull=False) & whole_policy("assumed")),
                name="ring_assumes_a_whole_policy_until_an_instant",
            ),
        ]

    def __str__(self) -> str:
        return self.name


class SigningKey(models.Model):
    """A signing key. Its row is never deleted. The encrypted private half is bound to the row's ring and public key."""

    ring = models.ForeignKey(Ring, on_delete=models.PROTECT, related_name="keys")
    kid = models.CharField(
        "kid", max_length=64, unique=True, help_text="The key ID: the thumbprint of the public key (RFC 7638)."
    )
    public_jwk = models.JSONField("public JWK")
    sealed = models.BinaryField(null=True, editable=False)
    encryption_key_id = models.CharField(max_length=16)
    mac = models.BinaryField(editable=False)
    vouched = models.BinaryField(null=True, editable=False)
    max_lifetime = models.DurationField(help_text="The longest lifetime of a token that this key may sign.")
    announced_at = models.DateTimeField()
    signs_at = models.DateTimeField(null=True, blank=True)
    withdraw_at = models.DateTimeField(null=True, blank=True)
    revoked_at = models.DateTimeField(null=True, blank=True)
    revoke_reason = models.CharField(max_length=200, blank=True, default="")
    cancelled_at = models.DateTimeField(null=True, blank=True)
    private_destroyed_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["announced_at", "kid"]
        permissions = [
            ("rotate_key", "Can plan the next switch of a ring"),
            ("revoke_key", "Can revoke a signing key"),
        ]
        constraints = [
            # One standby, so that all nodes agree on the next key.
            models.UniqueConstraint(
                "ring",
                condition=Q(signs_at=None, revoked_at=None, cancelled_at=None),
                name="one_standby_per_ring",
            ),
            # One key without an end, so that all nodes sign with the same key once its switch has passed.
            models.UniqueConstraint(
                "ring",
                condition=Q(signs_at__isnull=False, withdraw_at=None, revoked_at=None, cancelled_at=None),
                name="one_unsuperseded_key_per_ring",
            ),
            models.CheckConstraint(
                condition=Q(signs_at=None) | Q(signs_at__gte=F("announced_at")), name="key_signs_after_it_is_announced"
            ),
            models.CheckConstraint(
                condition=Q(withdraw_at=None) | Q(signs_at__isnull=False, withdraw_at__gt=F("signs_at")),
                name="key_is_withdrawn_after_it_signed",
            ),
            models.CheckConstraint(
                condition=(
                    Q(private_destroyed_at=None, sealed__isnull=False)
                    | Q(private_destroyed_at__isnull=False, sealed=None)
                ),
                name="key_has_its_private_half_until_destroyed",
            ),
            # A key that can still sign must not lose its private half.
            models.CheckConstraint(
                condition=(
                    Q(private_destroyed_at=None)
                    | Q(withdraw_at__isnull=False)
                    | Q(revoked_at__isnull=False)
                    | Q(cancelled_at__isnull=False)
                ),
                name="key_that_signs_has_its_private_half",
            ),
            # The private half of a revoked key must not be usable, even if a later step fails.
            models.CheckConstraint(
                condition=Q(revoked_at=None, cancelled_at=None) | Q(sealed=None),
                name="key_that_ended_has_no_private_half",
            ),
            models.CheckConstraint(
                condition=Q(revoked_at=None) | Q(cancelled_at=None), name="key_is_revoked_or_cancelled_not_both"
            ),
            models.CheckConstraint(
                condition=(
                    (Q(revoked_at=None) | Q(revoked_at__gte=F("announced_at")))
                    & (Q(cancelled_at=None) | Q(cancelled_at__gte=F("announced_at")))
                    & (Q(private_destroyed_at=None) | Q(private_destroyed_at__gte=F("announced_at")))
                ),
                name="key_ends_after_it_is_announced",
            ),
            # A key that has signed can be revoked, but not cancelled: its tokens exist.
            models.CheckConstraint(
                condition=Q(cancelled_at=None) | Q(signs_at=None) | Q(cancelled_at__lt=F("signs_at")),
                name="key_is_cancelled_before_it_signs",
            ),
        ]

    def __str__(self) -> str:
        return self.kid
