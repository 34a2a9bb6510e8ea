"""The example API's URLs."""

from django.urls import include, path
from rest_framework.routers import SimpleRouter

from .views import NoteViewSet, WhoAmI

router = SimpleRouter()
router.register("notes", NoteViewSet)

urlpatterns = [path("", include(router.urls)), path("whoami/", WhoAmI.as_view())]
