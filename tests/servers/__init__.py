"""Servers of other projects accept this issuer's access tokens.

The code blocks of docs/resource-servers/ configure the servers. In these tests, "page" means a documentation page of
that folder.

Read in this order:
- `page`: a page of docs/resource-servers/, as a reader copies it.
- `issuer`, `front`, `certificates`: the issuer behind TLS, its proxy, and the certificates.
- `login`: a user gets a token for a public client.
- `program`: runs a server. `environment`: its Python packages. `django_project`: a Django project as a server.
- `apache`, `dovecot`, `kafka_broker`: these three servers.
- `checks`: the checks that every server must pass.
- `table`: the results in docs/resource-servers/README.md.
"""
