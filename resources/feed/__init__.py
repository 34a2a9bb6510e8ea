"""Verifies the documents of an issuer's revocation feed, and follows the feed in the background.

Owns: the documents and segments of a feed, the order of versions, when a feed is late, and requests for documents.
Does not own: the look-up of a token (`revocations`), or the thread that polls (`issuers.poller`).
Steps: this package is none of the seven steps in README.md, but step 6 refuses revoked tokens by the followed feed.
Neighbours: above `verify`, whose signature check it uses. Everything except `feed_address` is pure: fetch, clocks and
sleep are arguments.

Read in this order:
- `revocation_feed`: verify the documents and segments of a feed (docs/revocation-feed.md).
- `feed_source`: the source of the documents, the policy and the clocks, as arguments of a follower.
- `feed_address`: the HTTP requests to an issuer's feed.
- `feed_follower`: follow a feed, and hold its state.
"""
