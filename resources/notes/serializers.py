"""The JSON of notes and of whoami."""

from rest_framework import serializers

from .models import Note


class NoteSerializer(serializers.ModelSerializer[Note]):
    """A note, without its owner."""

    class Meta:
        model = Note
        # No owner: a user gets only notes of their own.
        fields = ["id", "title", "body", "created_at", "updated_at"]


class WhoAmISerializer(serializers.Serializer[object]):
    """The verified token of a request."""

    iss = serializers.CharField()
    sub = serializers.CharField()
    client_id = serializers.CharField()
    scopes = serializers.ListField(child=serializers.CharField())
    kid = serializers.CharField()
    expires_at = serializers.DateTimeField()
    is_service = serializers.BooleanField()
    claims = serializers.DictField()
