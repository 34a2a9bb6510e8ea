"""The views of the example API."""

from typing import cast

from drf_spectacular.utils import extend_schema
from rest_framework.pagination import PageNumberPagination
from rest_framework.permissions import IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.serializers import BaseSerializer
from rest_framework.views import APIView
from rest_framework.viewsets import ModelViewSet

from ..permissions import HasRequiredScopes, HasScopes, RequireAcr
from ..principal import AccessToken
from .models import Note, NoteQuerySet
from .serializers import NoteSerializer, WhoAmISerializer

PHISHING_RESISTANT = "phr"
"""The authentication context class of a login by passkey (OpenID Connect EAP ACR Values 1.0)."""
MOST_EXPORTED = 1000


class NotePages(PageNumberPagination):
    """Twenty notes per page by default, and a hundred at most."""

    page_size = 20
    page_size_query_param = "page_size"
    max_page_size = 100


class NoteViewSet(ModelViewSet[Note]):
    """The notes of the token's subject. For a note of another subject, the answer is 404."""

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
        """Return the notes of the token's subject."""
        return Note.objects.owned_by(verified(self.request))

    def perform_create(self, serializer: BaseSerializer[Note]) -> None:
        """Save the note with the token's subject as its owner."""
        claims = verified(self.request).claims
        serializer.save(iss=claims["iss"], sub=claims["sub"])


class NoteExport(APIView):
    """The export of all notes of the token's subject. It requires a phishing-resistant login (RFC 9470)."""

    permission_classes = [HasScopes("notes:read") & RequireAcr(PHISHING_RESISTANT)]

    @extend_schema(responses=NoteSerializer(many=True))
    def get(self, request: Request) -> Response:
        """Return every note of the token's subject, the newest first."""
        notes = Note.objects.owned_by(verified(request)).order_by("-pk")[:MOST_EXPORTED]
        return Response(NoteSerializer(notes, many=True).data)


class WhoAmI(APIView):
    """The view that returns the verified token of the request."""

    permission_classes = [IsAuthenticated]

    @extend_schema(responses=WhoAmISerializer)
    def get(self, request: Request) -> Response:
        """Return the claims of the token, and what the API derives from them."""
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
    """Return the verified token. The permissions of these views refuse a request without one."""
    return cast("AccessToken", request.auth)
