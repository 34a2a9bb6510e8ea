"""The flow as a picture: the seven steps of a browser's session, drawn from the real requests and responses.

For development only. Unless DEBUG is set, no module of this package is imported (settings.py, urls.py), so there is no
recorder. Secrets are masked before an exchange is stored, so the recorder has none.

Read in this order:
- `mask`: removes secrets from addresses, headers and bodies.
- `exchange`: a request and its response, masked.
- `recorder`: the last exchange of each kind, for each browser, in memory.
- `middleware`, `apps`: record what browsers send to this application, and what it sends to issuer and API.
- `checks`: the API's checks, and the one that refused the token.
- `steps`, `drawing`: the arrows of the picture, and their places.
- `forgery`, `breaks`: requests that the API has to refuse.
- `views`: the page.
"""
