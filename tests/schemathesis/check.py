"""The served OpenAPI document against the standard, its examples against its schemas, and the server against it.

    AGENTCHAT_BINARY=target/debug/agentchat python tests/schemathesis/check.py

Requests are generated from the document, valid ones and broken ones, under a fixed seed.
"""

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import jsonschema
from openapi_spec_validator import OpenAPIV31SpecValidator
from served import OPERATOR, Served, serve

HERE = Path(__file__).parent
SEED = "20260115"
EXAMPLES = os.environ.get("SCHEMATHESIS_EXAMPLES", "25")
CHECKS = (
    "not_a_server_error", "status_code_conformance", "content_type_conformance", "response_headers_conformance",
    "response_schema_conformance", "negative_data_rejection", "unsupported_method", "allow_header_conformance", "ignored_auth",
)
# Neither ends by itself: the socket leaves HTTP, the stream goes on until its client leaves.
STREAMS = ("/v1/ws", "/v1/events")


def validate(document: dict[str, Any]) -> None:
    errors = [f"{'/'.join(map(str, error.absolute_path))}: {error.message}" for error in OpenAPIV31SpecValidator(document).iter_errors()]
    assert not errors, "\n".join(errors)
    print("OpenAPI 3.1: valid")


def validate_examples(document: dict[str, Any]) -> None:
    """Every example of a body is what its schema describes."""
    seen, wrong = 0, []
    for place, media in bodies(document):
        schema = {"$schema": "https://json-schema.org/draft/2020-12/schema", "components": document["components"], **media["schema"]}
        judge = jsonschema.Draft202012Validator(schema)
        examples = [one["value"] for one in media.get("examples", {}).values()]
        if "example" in media:
            examples.append(media["example"])
        for example in examples:
            seen += 1
            wrong += [f"{place}: {error.json_path}: {error.message}" for error in judge.iter_errors(example)]
    assert not wrong, "\n".join(wrong)
    assert seen > 100, "the examples are gone"
    print(f"examples: {seen} fit their schemas")


def bodies(document: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    found = []

    def walk(place: str, value: Any) -> None:
        if isinstance(value, list):
            for index, one in enumerate(value):
                walk(f"{place}/{index}", one)
        if not isinstance(value, dict):
            return
        for key, inner in value.items():
            if key == "content":
                found.extend((f"{place} {kind}", media) for kind, media in inner.items() if "schema" in media and "json" in kind)
            elif key not in ("example", "examples", "properties"):
                walk(f"{place}/{key}", inner)

    walk("", {"paths": document["paths"], "components": document["components"]})
    return found


def fuzz(served: Served) -> int:
    command = [str(Path(sys.executable).parent / "st"), "--config-file", str(HERE / "schemathesis.toml"), "--no-color", "run", served.url + "/v1/openapi.json",
               "--url", served.url, "--checks", ",".join(CHECKS), "--seed", SEED, "--max-examples", EXAMPLES,
               "--phases", "examples,coverage,fuzzing", "--workers", "1", "--request-timeout", "30",
               "--continue-on-failure", "--generation-database", "none", "--warnings", "off",
               "--suppress-health-check", "all", "--no-shrink"]
    for path in STREAMS:
        command += ["--exclude-path", path]
    environment = {
        **os.environ, "PYTHONPATH": str(HERE), "PYTHONDONTWRITEBYTECODE": "1", "SCHEMATHESIS_HOOKS": "hooks",
        "AGENTCHAT_KEY": served.key, "AGENTCHAT_OPERATOR": OPERATOR, "AGENTCHAT_IDS": json.dumps(served.ids),
    }
    return subprocess.run([*command, *sys.argv[1:]], env=environment, check=False).returncode


def main() -> int:
    with tempfile.TemporaryDirectory() as folder, serve(Path(folder)) as served:
        document = served.document()
        validate(document)
        validate_examples(document)
        outcome = fuzz(served)
        served.call("GET", "/v1/ready")
        served.call("GET", "/v1/agents/me")
        return outcome


if __name__ == "__main__":
    sys.exit(main())
