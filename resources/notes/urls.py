"""The example API's URLs."""

from django.urls import include, path
from drf_spectacular.views import SpectacularAPIView, SpectacularSwaggerView
from rest_framework.routers import SimpleRouter

from resources.notes.views import NoteViewSet, WhoAmI

router = SimpleRouter()
router.register("notes", NoteViewSet)

urlpatterns = [
    path("", include(router.urls)),
    path("whoami/", WhoAmI.as_view()),
    path("schema/", SpectacularAPIView.as_view(authentication_classes=[], permission_classes=[]), name="schema"),
    path("docs/", SpectacularSwaggerView.as_view(authentication_classes=[], permission_classes=[])),
]
