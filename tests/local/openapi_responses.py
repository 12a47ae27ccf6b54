"""Makes tests/data/openapi-responses.json: the answers in a Graph OpenAPI description.

    python tests/local/openapi_responses.py path/to/openapi-subset.json

Keeps, for every operation, the schema of each JSON answer, and the schemas these reach. Run it again when the
server learns a path that is not in the file yet.
"""

import json
import re
import sys
from pathlib import Path

TARGET = Path(__file__).parents[1] / "data" / "openapi-responses.json"


def references(value):
    """The schema names that `value` mentions, at any depth."""
    return set(re.findall(r'"#/components/schemas/([^"]+)"', json.dumps(value)))


def cut(description):
    """The paths with their answers' schemas, and the schemas reachable from them."""
    components = description["components"]
    answers = {}
    for path, verbs in description["paths"].items():
        for verb, operation in verbs.items():
            if verb == "parameters":
                continue
            for status, response in operation["responses"].items():
                if "$ref" in response:
                    response = components["responses"][response["$ref"].rsplit("/", 1)[-1]]
                schema = response.get("content", {}).get("application/json", {}).get("schema")
                if schema is not None:
                    answers.setdefault(path, {}).setdefault(verb, {})[status] = schema
    wanted, schemas = references(answers), {}
    while wanted:
        name = wanted.pop()
        schemas[name] = flattened(name, slim(components["schemas"][name]))
        wanted |= references(schemas[name]) - schemas.keys()
    components = {"schemas": dict(sorted(schemas.items()))}
    return {"source": description["info"], "paths": answers, "components": components}


def slim(schema):
    """The schema without the notes that no validator reads."""
    if isinstance(schema, dict):
        return {k: slim(v) for k, v in schema.items() if not k.startswith("x-")}
    if isinstance(schema, list):
        return [slim(v) for v in schema]
    return schema


def flattened(name, schema):
    """A delta page's items, which the description wraps in one list too many."""
    if name.endswith("DeltaResponse"):
        items = schema["properties"]["value"]["items"]
        schema["properties"]["value"]["items"] = items.get("items", items)
    return schema


if __name__ == "__main__":
    whole = json.loads(Path(sys.argv[1]).read_text("utf-8"))
    TARGET.write_text(json.dumps(cut(whole), separators=(",", ":")) + "\n")
    print(f"{TARGET}: {TARGET.stat().st_size // 1024} KB")  # noqa: T201 - it is a script
