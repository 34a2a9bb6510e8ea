"""Clients that no operator registered: client ID metadata documents, and dynamic registration.

Owns: fetching, judging and caching metadata documents; registering, reading, changing and deleting clients that
register themselves (RFC 7591, RFC 7592); initial access tokens; the choice of clients that `purge_tokens` deletes.
Does not own: guarded requests (`outbound`), client authentication (`clients`), or the question to the user
(`authorize`).
Steps: none; it prepares 2 and 3 for clients that no operator registered.
Neighbours: above `registration`, whose audit events and secrets it shares. `views` call it before 2 and 3.

- Both ways are off unless the settings turn them on (tokens/open_client_settings.py).
- A client gets exactly the scopes and APIs of the settings. Neither document nor registration changes that.
- The database has one row of `Client` for each such client, so that every other room treats it as any client.

Read in this order:
- `identifier`: the address of a document, which is the client_id.
- `client_metadata`: judge the metadata of a client, which both ways share.
- `document_rules`: judge what only documents must satisfy.
- `freshness`: for how long a document is used before it is fetched again.
- `flights`, `document_fetch`: fetch a document once for all threads that need it, within bounds.
- `scope_policy`: give a client what the settings allow, and nothing else.
- `document_row`, `document_client`: store the client of a document; find and renew it.
- `initial_token`: tokens that permit dynamic registrations.
- `dynamic_metadata`, `dynamic_client`, `registration_answer`: the metadata that clients send; register, change and
  delete a client; the responses to it.
- `idle_client`: clients that can be deleted because they are not used.
"""
