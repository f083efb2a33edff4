"""What only those see who may act on a job: what it was given, what it made of it, what it asks and is answered.

Records say with ``Annotated`` which of their fields are that; whoever hands them on decides by the reader's role.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any


class Payload:
    """The mark of a field. Of a mapping the names are shown to everybody, of all else nothing."""

    def __get_pydantic_json_schema__(self, schema: Any, handler: Callable[[Any], dict[str, Any]]) -> dict[str, Any]:
        return handler(schema) | {"description": "For viewers its values are `***`."}


PAYLOAD = Payload()
