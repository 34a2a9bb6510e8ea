"""The issuer's commands, one module each.

Read in this order:
- `demo_setup`: the data of the demo.
- `create_api`, `create_client`, `recipes`, `link_api`, `exchange_policy`: register APIs, clients and policies.
- `client_secret`, `initial_token`: secrets of clients; tokens that permit a client to register itself.
- `apply`, `export`: the registry as a file.
- `rotate_keys`, `keys`, `revoke_key`, `flush_token`, `key_backup`: signing keys.
- `access`, `revoke_user`, `revoke_tokens`: end the access of users and clients.
- `after_restore`: apply again the revocations that a restored backup lacks.
- `purge_tokens`, `send_logouts`: the jobs that run regularly, in addition to `rotate_keys`.
- `audit`, `inspect_token`, `check_proxy`, `conformance`: look at events, a token, the proxy, and a security profile.
- `import_users`, `import_toolkit`, `move_database`: data of other projects, and another database.
- `certification_setup`: what the OpenID certification plans need.
- `cleartokens`, `createapplication`: commands of django-oauth-toolkit, which are refused.
"""
