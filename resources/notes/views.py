"""The notes API: parse, ask the permission, call the model, answer."""

from typing import cast

from drf_spectacular.utils import extend_schema
from rest_framework.pagination import PageNumberPagination
from rest_framework.permissions import IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.serializers import BaseSerializer
from rest_framework.views import APIView
from rest_framework.viewsets import ModelViewSet

from resources.notes.models import Note, NoteQuerySet
from resources.notes.serializers import NoteSerializer, WhoAmISerializer
from resources.permissions import HasRequiredScopes
from resources.principal import AccessToken


class NotePages(PageNumberPagination):
    """Twenty notes a page, a hundred at most."""

    page_size = 20
    page_size_query_param = "page_size"
    max_page_size = 100


class NoteViewSet(ModelViewSet[Note]):
    """The notes of whoever the token names; another's note is not there (404)."""

    queryset = Note.objects.none()
    serializer_class = NoteSerializer
    pagination_class = NotePages
    permission_classes = [HasRequiredScopes()]
    required_scopes = {
        "list": ["notes:read"],
        "retrieve": ["notes:read"],
        "create": ["notes:write"],
        "update": ["notes:write"],
        "partial_update": ["notes:write"],
        "destroy": ["notes:write"],
    }

    def get_queryset(self) -> NoteQuerySet:
        """The caller's own notes."""
        return Note.objects.owned_by(verified(self.request))

    def perform_create(self, serializer: BaseSerializer[Note]) -> None:
        """Save the note as the caller's own."""
        claims = verified(self.request).claims
        serializer.save(iss=claims["iss"], sub=claims["sub"])


class WhoAmI(APIView):
    """The verified claims of the token that asks."""

    permission_classes = [IsAuthenticated]

    @extend_schema(responses=WhoAmISerializer)
    def get(self, request: Request) -> Response:
        """What the API knows about the caller."""
        token = verified(request)
        return Response(
            {
                "iss": token.claims["iss"],
                "sub": token.claims["sub"],
                "client_id": token.claims["client_id"],
                "scopes": sorted(token.scopes),
                "kid": token.kid,
                "expires_at": token.expires_at,
                "is_service": token.is_service,
                "claims": dict(token.claims),
            }
        )


def verified(request: Request) -> AccessToken:
    """The token that the permissions of these views have already asked for."""
    return cast("AccessToken", request.auth)
