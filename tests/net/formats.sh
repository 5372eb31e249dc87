# shellcheck shell=bash
# Strict readers of the command's formats; to be sourced. Each prints what is
# wrong with the file, and nothing where it is right.

json_by_schema() { # SCHEMA FILE
  python3 - "$1" "$2" 2>&1 <<'END'
import json, sys
from jsonschema import Draft202012Validator
schema, doc = (json.load(open(name)) for name in sys.argv[1:3])
Draft202012Validator.check_schema(schema)
for error in Draft202012Validator(schema).iter_errors(doc):
    print(error.json_path, error.message[:200])

def described(value, schema, path):
    """Every key of the document is in the schema."""
    for branch in schema.get("anyOf", [schema]):
        if isinstance(value, dict) and branch.get("additionalProperties"):
            return
        if isinstance(value, dict):
            known = branch.get("properties", {})
            missing = [key for key in value if key not in known]
            if missing and branch is schema.get("anyOf", [schema])[-1]:
                print(path, "not in the schema:", *missing)
            if missing:
                continue
            for key in value:
                described(value[key], known[key], path + "." + key)
            return
        if isinstance(value, list) and "items" in branch:
            for item in value:
                described(item, branch["items"], path + "[]")
            return
described(doc, schema, "$")
END
}

csv_is_strict() { # FILE
  python3 - "$1" 2>&1 <<'END'
import csv, sys
rows = list(csv.reader(open(sys.argv[1], newline=""), strict=True))
if len(rows) < 2 or len({len(row) for row in rows}) != 1:
    print("lines of different lengths, or none")
END
}

xml_is_well_formed() { # FILE
  python3 -c 'import sys, xml.etree.ElementTree as e; e.parse(sys.argv[1])' "$1" 2>&1 | tail -n 1
}

dot_is_drawn() { # FILE
  dot -Tsvg -o /dev/null "$1" 2>&1
}

ndjson_is_json() { # FILE
  python3 -c 'import json, sys; [json.loads(line)["kind"] for line in open(sys.argv[1])]' "$1" 2>&1 | tail -n 1
}
