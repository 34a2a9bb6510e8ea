"""The example API's URLs."""

from typing import Any

from django.urls import include, path
from drf_spectacular.views import SpectacularAPIView, SpectacularSwaggerView
from rest_framework.routers import SimpleRouter

from resources.notes.views import NoteViewSet, WhoAmI

router = SimpleRouter()
router.register("notes", NoteViewSet)

# The documentation is for everybody, and says nothing about itself: DRF's OPTIONS needs a template for it.
PUBLIC: dict[str, Any] = {"authentication_classes": [], "permission_classes": [], "metadata_class": None}

urlpatterns = [
    path("", include(router.urls)),
    path("whoami/", WhoAmI.as_view()),
    path("schema/", SpectacularAPIView.as_view(**PUBLIC), name="schema"),
    path("docs/", SpectacularSwaggerView.as_view(**PUBLIC)),
]
