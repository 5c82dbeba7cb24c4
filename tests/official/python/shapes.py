"""The SDK's own models as a measure: what the server says has to fit them, and to leave nothing out."""

from typing import Any, TypeVar

from agentchatme import types
from pydantic import BaseModel, TypeAdapter

Model = TypeVar("Model", bound=BaseModel)

# Members that are there only when they were given or apply; the contract says of all others that
# an unset one is null, not absent.
MAY_BE_ABSENT = {
    types.MessageContent: {"text", "data", "attachment_id"},
    types.AddMemberResult: {"invite_id"},
    types.WsMessage: {"id"},
}
SYSTEM_EVENT: TypeAdapter[Any] = TypeAdapter(types.GroupSystemEvent)

# The names of the models that something was held against, and, in `calls.py`, all there are.
held: set[str] = set()


def checked(model: type[Model], value: Any) -> Model:
    """The value as the SDK's model; every member the model has must be in it."""
    return complete(model.model_validate(value))


def all_checked(model: type[Model], values: list[Any]) -> list[Model]:
    return [checked(model, value) for value in values]


def system_event(row: dict[str, Any]) -> Any:
    """What a group's system message says, as one of the SDK's event models."""
    message = checked(types.Message, row)
    assert message.type == "system"
    assert message.client_msg_id == f"sys_{message.id}"
    return complete(SYSTEM_EVENT.validate_python(row["content"]["data"]))


def complete(value: Model) -> Model:
    """Fails when the server left out a member that the model, or one inside it, has."""
    kind = type(value)
    held.add(kind.__name__)
    absent = set(kind.model_fields) - value.model_fields_set - MAY_BE_ABSENT.get(kind, set())
    assert not absent, f"{kind.__name__} came without {sorted(absent)}: {value!r}"
    for name in kind.model_fields:
        inner = getattr(value, name)
        for one in inner if isinstance(inner, list) else [inner]:
            if isinstance(one, BaseModel):
                complete(one)
    return value
