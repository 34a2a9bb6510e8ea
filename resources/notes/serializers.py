"""What a note looks like on the wire."""

from rest_framework import serializers

from resources.notes.models import Note


class NoteSerializer(serializers.ModelSerializer[Note]):
    """A note without its owner: who asks is its owner."""

    class Meta:
        model = Note
        fields = ["id", "title", "body", "created_at", "updated_at"]


class WhoAmISerializer(serializers.Serializer[object]):
    """The verified claims of the token that asks."""

    iss = serializers.CharField()
    sub = serializers.CharField()
    client_id = serializers.CharField()
    scopes = serializers.ListField(child=serializers.CharField())
    kid = serializers.CharField()
    expires_at = serializers.DateTimeField()
    is_service = serializers.BooleanField()
    claims = serializers.DictField()
