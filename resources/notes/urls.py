"""The example API's URLs."""

from django.urls import include, path
from rest_framework.routers import SimpleRouter

from .views import NoteExport, NoteViewSet, WhoAmI

router = SimpleRouter()
router.register("notes", NoteViewSet)

urlpatterns = [
    path("notes/export/", NoteExport.as_view()),  # before the notes by their key
    path("", include(router.urls)),
    path("whoami/", WhoAmI.as_view()),
]
