"""What a body may be: strict JSON, in UTF-8 whatever its Content-Type says (RFC 8259 section 8.1)."""

from collections.abc import Mapping
from typing import IO, Any

from rest_framework.exceptions import ParseError
from rest_framework.parsers import JSONParser

from resources import strict_json


class StrictJSONParser(JSONParser):
    """DRF's JSON parser, for which no depth, number or encoding is an accident."""

    def parse(
        self, stream: IO[bytes], media_type: str | None = None, parser_context: Mapping[str, Any] | None = None
    ) -> Any:
        """The value of the body. Raises ParseError, which repeats nothing of it."""
        del media_type, parser_context
        try:
            return strict_json.parse(stream.read())
        except ValueError as error:
            raise ParseError("The body is not strict JSON (RFC 7493)") from error
