"""A parser for request bodies in strict JSON. It reads UTF-8, and ignores the charset of the Content-Type."""

from collections.abc import Mapping
from typing import IO, Any

from rest_framework.exceptions import ParseError
from rest_framework.parsers import JSONParser

from .jose import strict_json


class StrictJSONParser(JSONParser):
    """DRF's JSON parser with strict JSON (RFC 7493): UTF-8, bounded depth and numbers, no repeated members."""

    def parse(
        self, stream: IO[bytes], media_type: str | None = None, parser_context: Mapping[str, Any] | None = None
    ) -> Any:
        """Return the value of the body. Raises ParseError if the body is not strict JSON."""
        # The charset parameter is ignored: JSON has none (RFC 8259 section 11), but DRF would decode by it.
        del media_type, parser_context
        try:
            return strict_json.parse(stream.read())
        except ValueError as error:
            # The text is sent to the client and can be logged, so it repeats nothing of the body.
            raise ParseError("The body is not strict JSON (RFC 7493)") from error
