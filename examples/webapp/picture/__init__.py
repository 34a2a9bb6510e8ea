"""The flow as a picture: the seven steps of a browser's session, drawn from the real requests and responses.

For development only. Unless DEBUG is set, no module of this package is imported (settings.py, urls.py), and nothing is
recorded. An "exchange" is an HTTP request with its response. Secrets are masked before an exchange is stored.

Read in this order:
- `marks`: marks texts for the gettext catalogue.
- `mask`: removes secrets from addresses, headers and bodies.
- `exchange`: a request and its response, masked.
- `recorder`: the last exchange of each kind, for each browser, in the memory of the process.
- `middleware`, `apps`: record the requests of browsers to this application, and the requests of this application to
  issuer and API.
- `checks`: the API's checks of a token, and which of them refused it.
- `steps`, `drawing`: the arrows of the picture, and their coordinates.
- `forgery`, `breaks`: requests that the API has to refuse.
- `views`: the HTML page that shows the picture.
"""
