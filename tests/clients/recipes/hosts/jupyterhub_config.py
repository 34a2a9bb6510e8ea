# A hub without the proxy and the spawners that a login does not touch; then the page's block, hub_settings.py.
import os
from pathlib import Path

from jupyterhub.proxy import Proxy


class NoProxy(Proxy):
    """A JupyterHub proxy that does nothing, because the test calls the hub directly."""

    should_start = False

    async def get_all_routes(self):
        return {}

    async def add_route(self, routespec, target, data):
        pass

    async def delete_route(self, routespec):
        pass


c = get_config()  # noqa: F821 (JupyterHub puts it there)
c.JupyterHub.proxy_class = NoProxy
c.JupyterHub.bind_url = c.JupyterHub.hub_bind_url = os.environ["HUB_URL"]
c.JupyterHub.redirect_to_server = False
c.Authenticator.auth_refresh_age = 1  # second
exec(Path("hub_settings.py").read_text(encoding="utf-8"))  # noqa: S102 (the page's block)
