"""Servers of other projects accept this issuer's access tokens.

The code blocks of docs/resource-servers/ configure the servers. In these tests, "page" means a documentation page of
that folder.

Read in this order:
- `page`: a page of docs/resource-servers/, as a reader copies it.
- `issuer`, `front`, `certificates`: the issuer behind TLS, its proxy, and the certificates.
- `login`: a user gets a token for a public client.
- `program`, `environment`, `django_project`: run a server, its packages, and a Django project.
- `apache`, `dovecot`, `kafka_broker`: single servers.
- `checks`: the checks that every server must pass.
- `table`: the results in docs/resource-servers/README.md.
"""
