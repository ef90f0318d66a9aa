"""Complaints: what is wrong with a settings file, in words: the key, what was found, what was expected.

What is expected is read from the same JSON Schema that editors use, so that the two never differ.
"""

import difflib
from collections.abc import Iterable
from datetime import date, time
from typing import Any, TypeAlias

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

Schema: TypeAlias = dict[str, Any]

LONGEST = 60
"""Longer finds are cut: a message is read, not scrolled."""
NAMED = 12
"""Of more names no more are told."""


def complaints(error: ValidationError, model: type[BaseModel]) -> list[str]:
    """Return one line for everything that *error* says about a document of *model*, in the document's order."""
    schema = model.model_json_schema(by_alias=True)
    # a list that is too short only because its entries are wrong is not to blame
    to_blame = [one for one in error.errors() if not (one["type"] == "too_short" and one["input"])]
    return list(dict.fromkeys(_complaint(one, schema) for one in to_blame))


def closest(word: object, words: Iterable[str]) -> str | None:
    """Return which of *words* was probably meant; None if none is close."""
    return next(iter(difflib.get_close_matches(str(word), list(words), n=1)), None)


def did_you_mean(word: object, words: Iterable[str]) -> str:
    """Return ``; did you mean …?`` with the closest of *words*; nothing if none is close."""
    close = closest(word, words)
    return f'; did you mean "{close}"?' if close else ""


def there_are(words: Iterable[str]) -> str:
    """Return ``; there are …`` with the first of *words*: for one to which none of them is close."""
    known = list(words)
    return f"; there are {', '.join(known[:NAMED])}{' …' if len(known) > NAMED else ''}"


def shown(found: object) -> str:
    """Return *found* as a person would write it in the file."""
    if found is None:
        return "nothing"
    if isinstance(found, dict):
        return "a table"
    if isinstance(found, list | tuple):
        return "a list"
    if isinstance(found, bool):
        return str(found).lower()
    if isinstance(found, date | time):
        return found.isoformat()
    text = f'"{found}"' if isinstance(found, str) else repr(found)
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}…"


def _complaint(error: ErrorDetails, schema: Schema) -> str:
    key = ".".join(str(step) for step in error["loc"])
    if error["type"] == "value_error" and "found " in error["msg"]:  # our own words, already whole
        words = error["msg"].removeprefix("Value error, ")
        return f"{key}{': ' if words.startswith('found ') else '.'}{words}".removeprefix(".")
    if error["type"] == "extra_forbidden":
        table = _part(schema, error["loc"][:-1])
        known = list(_resolved(table, schema).get("properties", {})) if table else []
        return f"{key}: unknown key{did_you_mean(error['loc'][-1], known) or f'; expected one of {_listed(known)}'}"
    part = _part(schema, error["loc"])
    expected = _expected(_resolved(part, schema), key) if part else error["msg"]
    if error["type"] == "missing":
        return f"{key}: missing, expected {expected}"
    choices = _choices(_resolved(part, schema)) if part else []
    return f"{key}: found {shown(error['input'])}, expected {expected}{did_you_mean(error['input'], choices)}"


def _part(schema: Schema, way: tuple[int | str, ...]) -> Schema | None:
    """Return what *schema* says about the place that *way* leads to; None if it says nothing."""
    here: Schema | None = schema
    for step in way:
        if here is None:
            return None
        table = _resolved(here, schema)
        here = table.get("items") if isinstance(step, int) else table.get("properties", {}).get(step)
    return here


def _resolved(part: Schema, schema: Schema) -> Schema:
    """Follow references, and see through ``or null``."""
    if "$ref" in part:
        return _resolved(schema["$defs"][part["$ref"].removeprefix("#/$defs/")], schema)
    options = [option for option in part.get("anyOf", ()) if option.get("type") != "null"]
    return _resolved(options[0], schema) if len(options) == 1 else part


def _choices(part: Schema) -> list[str]:
    return [str(word) for option in (part, *part.get("anyOf", ())) for word in option.get("enum", ())]


def _expected(part: Schema, key: str) -> str:
    if "const" in part:
        return shown(part["const"])
    if choices := _choices(part):
        return f"one of {_listed(choices)}" + (", or path.py:Class" if "anyOf" in part else "")
    words = _KINDS_OF_VALUE.get(part.get("format", ""), _KINDS_OF_VALUE.get(part.get("type", ""), "something else"))
    if part.get("minItems"):
        return f"at least one [[{key}]]"
    if "pattern" in part:
        return "a name of 1 to 64 letters, digits, dots, dashes and underscores"
    return words + _bounds(part)


_KINDS_OF_VALUE = {
    "integer": "a whole number",
    "number": "a number",
    "boolean": "true or false",
    "string": "text in quotes",
    "array": "a list",
    "object": "a table",
    "path": "a folder in quotes",
    "date-time": "local date and time without a zone, from 1980 to 2200, such as 2026-01-05T18:00:00",
}


def _bounds(part: Schema) -> str:
    low, above = part.get("minimum"), part.get("exclusiveMinimum")
    high, below = part.get("maximum"), part.get("exclusiveMaximum")
    if low is not None and high is not None:
        return f" from {_plain(low)} to {_plain(high)}"
    words = [
        f"{word} {_plain(bound)}"
        for word, bound in (("from", low), ("above", above), ("at most", high), ("below", below))
        if bound is not None
    ]
    return f" {' and '.join(words)}" if words else ""


def _plain(number: float) -> str:
    return str(int(number)) if number == int(number) else f"{number:g}"


def _listed(words: Iterable[str]) -> str:
    return ", ".join(words)
