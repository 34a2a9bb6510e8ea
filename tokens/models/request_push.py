"""Pushed authorization requests (RFC 9126). The browser later sends the `request_uri` of such a request."""

from django.db import models

from tokens.models.client import Client


class PushedRequest(models.Model):
    """An authorization request that a client pushed. Only the SHA-256 of its `request_uri` is stored."""

    digest = models.CharField(primary_key=True, max_length=64)
    client = models.ForeignKey(Client, on_delete=models.CASCADE, related_name="pushed_requests")
    query = models.TextField(help_text="The parameters of the request, as a query.")
    is_signed = models.BooleanField(
        default=False, db_default=False, help_text="The request was in a request object that the client signed."
    )
    expires_at = models.DateTimeField(db_index=True)
    used_at = models.DateTimeField(null=True, blank=True, help_text="When a browser brought the request_uri.")
    handle = models.CharField(
        max_length=16,
        blank=True,
        default="",
        help_text="The handle under which that browser continues with the request (tokens/views/request_store.py).",
    )

    def __str__(self) -> str:
        return f"pushed request of {self.client}"
