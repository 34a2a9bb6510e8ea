"""Describe until when each kind of verifier can still accept a revoked key, for commands, audit trail and admin. Pure.

1. Verifiers that renew their copy of the JWKS by age drop the key within a time that the key ring's timings bound (rule
   P3, docs/why-rotation-is-safe.md).
2. Verifiers that fetch the JWKS only for an unknown kid drop the key after the flush. The flush is a planned switch to
   a new key: the first token that this key signs makes them fetch the JWKS (rule P6).
3. Some verifiers never fetch again. An operator replaces their key file or restarts them.
"""

from dataclasses import asdict, dataclass
from datetime import datetime

RENEWING = ("Keyturn", "Spring", "Kafka", "jwx", "keyfunc", "Micronaut", "Vert.x", "mod_auth_openidc")
LAZY = ("go-oidc", "Kubernetes", "Vault", "zitadel", "Quarkus", "RabbitMQ")
NEVER = ("key files of Dovecot and HAProxy", "Open Liberty")
"""RENEWING, LAZY and NEVER are the verifiers of docs/revoked-keys.md, in the order of the list above."""


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyRevocation:
    """The effects of a revocation of keys. After a dry run, the effects that it would have."""

    ring: str
    kids: tuple[str, ...]
    successor: str | None
    """The kid of the key that signs in place of a revoked key.

    None if no key must replace the revoked key, or if the key `flush_kid` replaces it.
    """
    accepted_until: datetime
    """The instant until which a conforming API can accept a revoked key: `Policy.rejection` after the revocation."""
    flush_kid: str | None
    """The key whose start is the flush; None if no flush could be planned."""
    flush_at: datetime | None
    """When `flush_kid` starts to sign. Its first token makes verifiers drop the revoked key (P6)."""
    copies_from: datetime | None
    """Copies of the JWKS from before this instant can lack the flush's key when it signs; None if every copy has it."""
    outage_until: datetime | None
    """The instant until which APIs that lack the successor can refuse its tokens; None if every API has this key."""
    dry_run: bool = False
    """True for a dry run."""
    left: tuple[str, ...] = ()
    """The kids of keys whose rows do not verify. The revocation did not change these rows."""

    def members(self) -> dict[str, object]:
        """Return the members of the JSON that `revoke_key --json` prints.

        `successor` is named `heir` and `dry_run` is named `pretended`, as in version 0.1.0.
        """
        members = asdict(self)
        return members | {"heir": members.pop("successor"), "pretended": members.pop("dry_run")}

    def __str__(self) -> str:
        done = "would revoke" if self.dry_run else "revoked"
        lines = [f"{done}: {', '.join(self.kids)}"]
        if self.successor:
            lines.append(f"takes over: {self.successor}")
        lines += trusted_until(self)
        if self.copies_from:
            lines.append(
                f"verifiers whose copy of the JWKS is older than {utc(self.copies_from)} at the flush, and that do not"
                " fetch for an unknown kid, refuse good tokens until they renew it; those that do fetch lose nothing"
            )
        if self.outage_until:
            lines.append(f"APIs may refuse its tokens until {utc(self.outage_until)}")
        if self.left:
            lines.append(f"not changed, because the row does not verify: {', '.join(self.left)}")
        return "\n".join(lines)


def trusted_until(revocation: KeyRevocation) -> list[str]:
    """Describe, in lines of text, until when each kind of verifier can accept the revoked key."""
    flush = (
        f"their first token after the flush at {utc(revocation.flush_at)}, when {revocation.flush_kid} signs"
        if revocation.flush_at
        else "an operator runs rotate_keys --now, then their first token of the next key: no flush could be planned"
    )
    until = utc(revocation.accepted_until)
    return [
        f"APIs can accept it until {until} if they renew their copy of the JWKS ({', '.join(RENEWING)})",
        f"verifiers that fetch only for an unknown kid ({', '.join(LAZY)}): until {flush}",
        "  manage.py flush_token makes them fetch now",
        f"verifiers that never drop a key ({', '.join(NEVER)}): until you replace the file or restart them",
    ]


def utc(at: datetime) -> str:
    """Return the instant as text, in UTC, to the second."""
    return f"{at:%Y-%m-%d %H:%M:%S} UTC"
