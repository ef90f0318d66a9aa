"""The JSON Schemas that editors complete and check our files with."""

from typing import Any

from broker.errors import SettingsError
from devices.body.channels import CHANNELS
from devices.body.series import STAGE
from devices.circumstances import COLUMNS
from devices.complaints import did_you_mean, shown
from devices.learning_table import MEASURED
from devices.life_file import LINKS, PLACES
from devices.settings import Fleet
from fleetbeat.study.settings import Study

DIALECT = {"$schema": "https://json-schema.org/draft/2020-12/schema"}


def fleet_schema() -> dict[str, Any]:
    """Return the schema of a fleet file."""
    schema = Fleet.model_json_schema(by_alias=True)
    schema["properties"]["app"]["anyOf"].append({"type": "string"})  # the folder alone
    schema["$defs"]["Learning"]["properties"]["work"]["anyOf"].append({"const": MEASURED})
    return DIALECT | schema | {"title": "A fleet of Fleetbeat"}


def recordings_schema() -> dict[str, Any]:
    """Return the schema of a recordings folder's ``recordings.toml``."""
    channels = [*CHANNELS, STAGE]
    person = {
        "type": "object",
        "required": ["id", "start", "night_s"],
        "additionalProperties": False,
        "properties": {
            "id": {"type": "string", "minLength": 1, "description": "the person's folder beside this file"},
            "start": {"type": "string", "format": "date-time", "description": "local time at time_s = 0"},
            "night_s": {
                "type": "array",
                "items": {"type": "number"},
                "minItems": 2,
                "maxItems": 2,
                "description": "from and to, in seconds since start: when the person was in bed",
            },
        },
    }
    return DIALECT | {
        "title": "A recordings folder of Fleetbeat",
        "type": "object",
        "required": ["schema", "channels", "person"],
        "additionalProperties": False,
        "properties": {
            "schema": {"const": 1},
            **{key: {"type": "string"} for key in ("title", "source", "licence", "notes")},
            "channels": {
                "type": "object",
                "minProperties": 1,
                "description": "channel = unit; its values lie in <person>/<channel>.csv.gz with time_s,value",
                "propertyNames": {"enum": channels},
                "additionalProperties": {"type": "string"},
            },
            "person": {"type": "array", "minItems": 1, "items": person},
        },
    }


def study_schema() -> dict[str, Any]:
    """Return the schema of a study file."""
    return DIALECT | Study.model_json_schema(by_alias=True) | {"title": "A study of Fleetbeat"}


def life_schema() -> dict[str, Any]:
    """Return the schema of one line of a life file, its values as their columns' words and numbers say."""
    second = {"type": "number", "minimum": 0}
    words: dict[str, Any] = {column: {"type": "boolean"} for column in COLUMNS}
    words |= {"far_link": {"enum": list(LINKS)}, "place": {"enum": list(PLACES)}}
    return DIALECT | {
        "title": "A line of a life file of Fleetbeat",
        "description": "life.csv of a run is one; further columns are passed over, a device's lines tile its life",
        "type": "object",
        "required": ["device", "from_s", "to_s", *COLUMNS],
        "properties": {"device": {"type": "string", "minLength": 1}, "from_s": second, "to_s": second, **words},
    }


SCHEMAS = {"fleet": fleet_schema, "recordings": recordings_schema, "study": study_schema, "life": life_schema}


def schema(of: str = "fleet") -> dict[str, Any]:
    """Return the JSON Schema of one of `SCHEMAS`; raises SettingsError for anything else."""
    if of not in SCHEMAS:
        hint = did_you_mean(of, SCHEMAS)
        raise SettingsError(f"schema: found {shown(of)}, expected one of {', '.join(SCHEMAS)}{hint}")
    return SCHEMAS[of]()
