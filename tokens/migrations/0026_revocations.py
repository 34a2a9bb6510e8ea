import base64
import hashlib
import secrets
import struct
from datetime import timedelta
from itertools import chain, islice
from uuid import UUID

from django.db import migrations, models
from django.db.models import Q
from django.utils import timezone

BATCH = 1000
KIDS_KEPT = timedelta(days=30)
"""How long the entry of a revoked key is kept: at least as long as an API can trust the key under any timings."""


def lock_copied_table(_apps, editor):
    """Lock the table that is copied, so that no old process writes to it. Give up after 10 s."""
    if editor.connection.vendor == "postgresql":
        editor.execute("SET LOCAL lock_timeout = '10s'")
        editor.execute("LOCK TABLE tokens_denial IN ACCESS EXCLUSIVE MODE")


def begin_the_log(apps, _editor):
    tag = base64.urlsafe_b64encode(secrets.token_bytes(8)).rstrip(b"=").decode()
    apps.get_model("tokens", "RevocationLog").objects.create(id=1, version=0, tag=tag, sealed=0, unsealed=0)
    apps.get_model("tokens", "Publication").objects.create(
        version=0, tag=tag, at=timezone.now(), count=0, until=0, body=b""
    )


def keep_what_is_revoked(apps, _editor):
    """Copy the old table's rows and the revoked keys into the new tables, so that revoked tokens stay revoked."""
    denials = apps.get_model("tokens", "Denial").objects.order_by("pk").iterator(chunk_size=BATCH)
    keys = apps.get_model("tokens", "SigningKey").objects.exclude(revoked_at=None)
    for kept in batches(chain(map(of_denial, denials), map(of_key, keys))):
        apps.get_model("tokens", "Revocation").objects.bulk_create(
            apps.get_model("tokens", "Revocation")(key=key, kind=kind, issued_before=before, until=until)
            for key, kind, before, until in kept
        )
        apps.get_model("tokens", "WaitingEntry").objects.bulk_create(
            apps.get_model("tokens", "WaitingEntry")(entry=struct.pack(">16sII", key.bytes, until, before))
            for key, _, before, until in kept
        )


def batches(rows):
    rows = iter(rows)
    while batch := list(islice(rows, BATCH)):
        yield batch


def of_denial(row):
    kind, identifier = row.kind, row.identifier
    if kind == "pair":
        client_id, _, subject = identifier.rpartition(" ")
        kind, identifier = "client_sub", f"{client_id}\0{subject}"
    before = 0 if row.issued_before is None else seconds(row.issued_before)
    return (key(kind, identifier), kind, before, seconds(row.until))


def of_key(row):
    return (key("kid", row.kid), "kid", 0, seconds(row.revoked_at + KIDS_KEPT))


def key(kind, identifier):
    return UUID(bytes=hashlib.sha256(f"{kind}\0{identifier}".encode("utf-8", "surrogatepass")).digest()[:16])


def seconds(instant):
    return -int(-instant.timestamp() // 1)


class Migration(migrations.Migration):
    dependencies = [
        ("tokens", "0025_restorable"),
    ]

    operations = [
        migrations.RunPython(lock_copied_table, migrations.RunPython.noop),
        migrations.CreateModel(
            name="Revocation",
            fields=[
                (
                    "key",
                    models.UUIDField(
                        help_text="Half of the SHA-256 of kind and identifier.", primary_key=True, serialize=False
                    ),
                ),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("jti", "one token"),
                            ("grant", "every token of one grant"),
                            ("kid", "every token of one signing key"),
                            ("sub", "every earlier token of a user"),
                            ("client", "every earlier token of a client"),
                            ("client_sub", "every earlier token that a client got for a user"),
                            ("iss", "every earlier token"),
                        ],
                        max_length=10,
                    ),
                ),
                (
                    "issued_before",
                    models.BigIntegerField(help_text="Unix seconds: earlier tokens are revoked; 0: all are."),
                ),
                (
                    "until",
                    models.BigIntegerField(
                        db_index=True, help_text="Unix seconds: then no token that it covers is accepted."
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.CheckConstraint(
                        condition=Q(kind__in=["jti", "grant", "kid"], issued_before=0)
                        | Q(kind__in=["sub", "client", "client_sub", "iss"], issued_before__gt=0),
                        name="coarse_revocations_have_an_instant",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="WaitingEntry",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("entry", models.BinaryField(help_text="24 bytes, as they are published.")),
            ],
        ),
        migrations.CreateModel(
            name="RevocationLog",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("version", models.BigIntegerField(help_text="Of the last publication.")),
                (
                    "tag",
                    models.CharField(
                        help_text="Tells it from the same number of a database that was restored.", max_length=11
                    ),
                ),
                ("sealed", models.BigIntegerField(help_text="Entries up to this version are in segments.")),
                ("unsealed", models.IntegerField(help_text="How many entries were published since.")),
            ],
        ),
        migrations.CreateModel(
            name="Publication",
            fields=[
                ("version", models.BigIntegerField(primary_key=True, serialize=False)),
                ("tag", models.CharField(max_length=11)),
                ("at", models.DateTimeField(db_index=True)),
                ("count", models.IntegerField()),
                ("until", models.BigIntegerField(help_text="Unix seconds: then every entry in it has ended.")),
                ("body", models.BinaryField()),
            ],
        ),
        migrations.CreateModel(
            name="Segment",
            fields=[
                (
                    "digest",
                    models.CharField(
                        help_text="SHA-256 of the body, base64url.", max_length=43, primary_key=True, serialize=False
                    ),
                ),
                ("version", models.BigIntegerField(db_index=True, help_text="The last one in it.")),
                ("count", models.IntegerField()),
                (
                    "until",
                    models.BigIntegerField(db_index=True, help_text="Unix seconds: then every entry in it has ended."),
                ),
                ("body", models.BinaryField()),
            ],
        ),
        migrations.RunPython(begin_the_log, migrations.RunPython.noop),
        migrations.RunPython(keep_what_is_revoked, migrations.RunPython.noop),
        migrations.DeleteModel(name="Denial"),
    ]
