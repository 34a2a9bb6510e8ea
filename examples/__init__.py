"""Programs that use Keyturn from outside.

`webapp` imports no package of Keyturn. The APIs (`mcp`, `without_drf`) import only the resource server.
"""
