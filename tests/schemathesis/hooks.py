"""Puts what exists in the place of some generated values, so that more than 404s are seen."""

import json
import os
from typing import Any

import schemathesis

IDS = json.loads(os.environ["AGENTCHAT_IDS"])
# The account that calls must outlive the run, and its key must stay; whoever is ended or suspended is nobody else.
TARGETS = {"/admin/agents/{handle}": "victim", "/admin/agents/{handle}/suspend": "victim"}
OWN = {"patch /v1/agents/{handle}": "alice", "put /v1/agents/{handle}/avatar": "alice", "delete /v1/agents/{handle}/avatar": "alice"}


def known(name: str, method: str, path: str) -> str | None:
    if name == "handle":
        return OWN.get(f"{method} {path}") or TARGETS.get(path, "bobby")
    if name != "id":
        return None
    if "invites" in path:
        return IDS["invite"]
    for word in ("groups", "webhooks"):
        if f"/{word}/" in path:
            return IDS[word[:-1]]
    if path.startswith("/v1/messages/{id}") and (method, path) != ("get", "/v1/messages/{id}"):
        return IDS["message"]
    return IDS["conversation"]


@schemathesis.hook
def map_path_parameters(context: Any, path_parameters: Any) -> Any:
    """Every other value, by its own text: a run with the same seed is the same."""
    if not isinstance(path_parameters, dict):
        return path_parameters
    method, path = context.operation.method.lower(), context.operation.path
    for name, value in path_parameters.items():
        instead = known(name, method, path)
        if instead is not None and sum(map(ord, str(value))) % 2 == 0:
            path_parameters[name] = instead
    return path_parameters


@schemathesis.hook
def filter_query(context: Any, query: Any) -> bool:
    """An empty value is an absent one, whatever its schema says: nothing to refuse."""
    return not isinstance(query, dict) or "" not in query.values()


@schemathesis.hook
def before_call(context: Any, case: Any, kwargs: Any) -> None:
    """Answers tell the caller's own handle, and what answers tell is tried."""
    name = str((case.path_parameters or {}).get("handle", ""))
    ends = (case.operation.method.lower(), case.operation.path)
    if name.lstrip("@").lower() == "alice" and (ends[1].startswith("/admin/") or ends == ("delete", "/v1/agents/{handle}")):
        case.path_parameters["handle"] = "victim"


@schemathesis.hook
def map_query(context: Any, query: Any) -> Any:
    """Nobody waits a minute for each long-poll."""
    if isinstance(query, dict) and str(query.get("wait", "")).lstrip("+").isdigit():
        query["wait"] = 0
    return query
