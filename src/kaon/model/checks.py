"""Checks of single values: each takes what a client sent and gives what Kaon keeps, or refuses.

A value of the wrong kind raises `Unfit` with the reason (400 HTTPBadRequest, naming the attribute); one that cannot be
converted raises InvalidInput (400), as Neutron tells the two apart. Checks with parameters are made by a function.

A check also carries the JSON schema of what it keeps (`keeps`, `schema_of`): the server's own description is made of them.
"""

import json
import re
from collections.abc import Callable, Collection, Mapping
from typing import Any, Final, TypeVar

from kaon.model.errors import InvalidInput

Check = Callable[[Any], Any]
"""Value as sent -> value as kept."""

Schema = Mapping[str, Any]
"""A JSON schema (2020-12) of values."""

_C = TypeVar("_C", bound=Check)


def keeps(schema: Schema) -> Callable[[_C], _C]:
    """Mark a check: what it lets through is kept as the schema says. Other spellings may be taken, too."""

    def marked(check: _C) -> _C:
        vars(check)["schema"] = schema
        return check

    return marked


def schema_of(check: Check) -> Schema:
    """What the check keeps; an empty schema says nothing."""
    found: Schema = getattr(check, "schema", {})
    return found


def nullable(schema: Schema) -> Schema:
    """The same, or null."""
    kind = schema.get("type")
    if "enum" in schema:
        return {**schema, "enum": [*(value for value in schema["enum"] if value is not None), None]}
    if isinstance(kind, str):
        return {**schema, "type": [kind, "null"]}
    return schema


def list_of(schema: Schema) -> Schema:
    """A list of such values."""
    return {"type": "array", "items": schema}


def object_of(required: Collection[str] = (), **properties: Schema) -> Schema:
    """An object with these keys, and no others; those that are `required` are always there."""
    return {
        "type": "object",
        "properties": properties,
        "additionalProperties": False,
        **({"required": list(required)} if required else {}),
    }


SHOWN: Final = 64
"""Characters of a wrong value that a refusal repeats."""


class Unfit(ValueError):  # noqa: N818  # it is a verdict on a value; the API turns it into a refusal
    """The value is wrong; the argument says why, without the attribute's name."""


def shown(value: object) -> str:
    """The value as a refusal quotes it: short, whatever was sent."""
    text = repr(value)
    return text if len(text) <= SHOWN else f"{text[:SHOWN]}..."


def anything(value: Any) -> Any:
    """No check."""
    return value


_UNKEPT: Final = re.compile("[\x00\ud800-\udfff]")


def keepable(value: str) -> bool:
    """Whether any database can keep the text, and be asked for it: no NUL, no lone surrogate."""
    return not _UNKEPT.search(value)


def text(limit: int) -> Check:
    """A string of at most `limit` characters, all of which any database can keep (no NUL, no lone surrogate)."""

    @keeps({"type": "string", "maxLength": limit})
    def check(value: Any) -> str:
        if not isinstance(value, str):
            raise Unfit(f"{shown(value)} is not a valid string")
        if len(value) > limit:
            raise Unfit(f"{shown(value)} exceeds maximum length of {limit}")
        if not keepable(value):
            raise Unfit(f"{shown(value)} holds characters that cannot be kept")
        return value

    return check


HIGHEST: Final = 0x7FFFFFFF
"""The largest number that a column holds; what is compared only may have 64 bits."""

_COMPARED: Final = 0x7FFFFFFFFFFFFFFF


@keeps({"type": "integer"})
def integer(value: Any) -> int:
    """A whole number of at most 64 bits, also as text; a boolean is none."""
    whole = isinstance(value, (int, str)) or (isinstance(value, float) and value.is_integer())
    try:
        number = int(value) if whole and not isinstance(value, bool) else None
    except ValueError:
        number = None
    if number is None or abs(number) > _COMPARED:
        raise InvalidInput(error_message=f"{shown(value)} is not an integer")
    return number


def between(low: int, high: int) -> Check:
    """A whole number of `low` to `high`, both included."""

    @keeps({"type": "integer", "minimum": low, "maximum": high})
    def check(value: Any) -> int:
        number = integer(value)
        if not low <= number <= high:
            raise Unfit(f"{shown(value)} is not between {low} and {high}")
        return number

    return check


def at_least(low: int) -> Check:
    """A whole number of `low` or more, which a column can hold."""

    @keeps({"type": "integer", "minimum": low, "maximum": HIGHEST})
    def check(value: Any) -> int:
        number = integer(value)
        if number < low:
            raise Unfit(f"{shown(value)} is less than {low}")
        if number > HIGHEST:
            raise Unfit(f"{shown(value)} is more than {HIGHEST}")
        return number

    return check


_TRUE: Final = frozenset({"true", "yes", "on", "y", "t", "1"})
_FALSE: Final = frozenset({"false", "no", "off", "n", "f", "0"})


@keeps({"type": "boolean"})
def boolean(value: Any) -> bool:
    """True or false, also as number or text in any case (`1`, `t`, `yes`, `on`, ...)."""
    if isinstance(value, bool):
        return value
    word = value.strip().lower() if isinstance(value, str) else str(value) if isinstance(value, int) else ""
    if word in _TRUE:
        return True
    if word in _FALSE:
        return False
    raise InvalidInput(error_message=f"{shown(value)} cannot be converted to a boolean")


def one_of(*values: object) -> Check:
    """Exactly one of the values."""

    @keeps({"enum": list(values)})
    def check(value: Any) -> Any:
        # `in` alone would take True for 1 and break on what cannot be hashed.
        if not any(value == known and type(value) is type(known) for known in values):
            raise Unfit(f"{shown(value)} is not in {list(values)}")
        return value

    return check


def number_of(*values: int) -> Check:
    """One of the whole numbers, also as text."""

    @keeps({"enum": list(values)})
    def check(value: Any) -> int:
        number = integer(value)
        if number not in values:
            raise Unfit(f"{shown(value)} is not in {list(values)}")
        return number

    return check


def optional(check: Check) -> Check:
    """As `check`, but null stays null."""

    @keeps(nullable(schema_of(check)))
    def either(value: Any) -> Any:
        return None if value is None else check(value)

    return either


def or_empty(check: Check) -> Check:
    """As `check`, but null means an empty list."""

    @keeps(schema_of(check))
    def either(value: Any) -> Any:
        return check([] if value is None else value)

    return either


_UUID: Final = re.compile(r"[0-9a-f]{8}-?([0-9a-f]{4}-?){3}[0-9a-f]{12}", re.IGNORECASE)


@keeps({"type": "string", "pattern": f"^{_UUID.pattern}$"})
def uuid(value: Any) -> str:
    """An identifier: 32 hexadecimal digits with or without dashes. It is kept as sent, except that letters become small."""
    if not isinstance(value, str) or not _UUID.fullmatch(value):
        raise Unfit(f"{shown(value)} is not a valid UUID")
    return value.lower()


def distinct(values: Collection[Any], what: str) -> None:
    """Raise Unfit when one of the values is there twice."""
    seen = []
    for value in values:
        if value in seen:
            raise Unfit(f"duplicate {what} {shown(value)}")
        seen.append(value)


@keeps(list_of(schema_of(uuid)))
def uuids(value: Any) -> list[str]:
    """A list of different identifiers."""
    if not isinstance(value, list):
        raise Unfit(f"{shown(value)} is not a list")
    kept = [uuid(item) for item in value]
    distinct(kept, "item")
    return kept


DICTIONARY_LIMIT: Final = 4095
"""Characters of a free-form dictionary as JSON."""


@keeps({"type": "string", "format": "date-time"})
def moment(value: Any) -> Any:
    """A time, which the server sets: it is only shown."""
    return value


@keeps({"type": "object"})
def dictionary(value: Any) -> dict[str, Any]:
    """A free-form object; null means an empty one."""
    if value is None:
        return {}
    if not isinstance(value, Mapping):
        raise Unfit(f"{shown(value)} is not a dictionary")
    if len(json.dumps(value)) > DICTIONARY_LIMIT:
        raise Unfit(f"it exceeds maximum length of {DICTIONARY_LIMIT}")
    return dict(value)


def members(value: Any, required: Collection[str], known: Collection[str]) -> dict[str, Any]:
    """An object that has every `required` key and none but the `known`."""
    if not isinstance(value, Mapping):
        raise Unfit(f"{shown(value)} is not a dictionary")
    missing = [key for key in required if key not in value]
    unknown = [key for key in value if key not in known]
    if missing or unknown:
        raise Unfit(f"expected keys {sorted(required)} of {sorted(known)}, {shown(dict(value))} given")
    return dict(value)
