"""Clients that no operator registered: client ID metadata documents, and dynamic registration.

Owns: fetching, judging and caching metadata documents; registering, reading, changing and deleting clients that
register themselves (RFC 7591, RFC 7592); initial access tokens; the choice of clients that `purge_tokens` deletes.
Does not own: guarded requests (`outbound`), client authentication (`clients`), or the user's consent (`authorize`).
Steps: this package is none of the seven steps in README.md, but steps 2 and 3 need the clients that it registers.
Neighbours: above `registration`, which creates the client secrets. `views` calls this package before steps 2 and 3.

- Metadata documents and dynamic registration are off unless the settings turn them on (tokens/settings/open_client.py).
- A client gets exactly the scopes and APIs of the settings. Its metadata cannot change them.
- The database has a row of `Client` for each self-registered client, so that other packages treat it as any other
  client.

Read in this order:
- `identifier`: the address of a document, which is the client_id.
- `metadata_member`, `client_metadata`: read single members; validate the metadata of any self-registered client.
- `document_rules`: validate what only a metadata document must obey.
- `freshness`: for how long a document is used before it is fetched again.
- `flights`, `document_fetch`: fetch a document once for all threads that need it, within bounds.
- `scope_policy`: give a client the scopes and APIs that the settings allow.
- `document_row`, `document_client`: store the client of a document; find and renew this client.
- `initial_token`: tokens that permit dynamic registrations.
- `dynamic_metadata`, `dynamic_client`, `registration_answer`: the metadata that clients send; register, change and
  delete a client; the responses to the client.
- `idle_client`: clients that can be deleted because they are not used.
"""
