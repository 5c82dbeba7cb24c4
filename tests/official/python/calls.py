"""Which methods and models of the SDK the suite has used, so that none is forgotten."""

import functools
import inspect
from collections.abc import Callable
from typing import Any

from agentchatme import AgentChatClient, AsyncAgentChatClient, RealtimeClient, types
from pydantic import BaseModel
from shapes import held

CLASSES = (AgentChatClient, AsyncAgentChatClient, RealtimeClient)

# No answer of the service is one; the SDK declares it and never uses it.
MODELS_WITHOUT_USE = {"Conversation"}

called: set[str] = set()


def public_methods() -> set[str]:
    """`Class.method` for everything a program may call."""
    return {
        f"{kind.__name__}.{name}"
        for kind in CLASSES
        for name, value in vars(kind).items()
        if not name.startswith("_") and (callable(value) or isinstance(value, METHOD_LIKE))
    }


METHOD_LIKE = (staticmethod, property)


def public_models() -> set[str]:
    """The models of `agentchatme.types`; the members of its union of events count each."""
    named = (getattr(types, name) for name in types.__all__)
    models = {one for one in named if inspect.isclass(one) and issubclass(one, BaseModel)}
    return {model.__name__ for model in models | set(types.GroupSystemEvent.__args__)}


def watch() -> None:
    """From now on every call of a public method is remembered."""
    for kind in CLASSES:
        for name, value in list(vars(kind).items()):
            label = f"{kind.__name__}.{name}"
            if label in public_methods():
                setattr(kind, name, watched(label, value))


def watched(label: str, value: Any) -> Any:
    if isinstance(value, staticmethod):
        return staticmethod(noting(label, value.__func__))
    if isinstance(value, property):
        return property(noting(label, value.fget))
    return noting(label, value)


def noting(label: str, function: Any) -> Callable[..., Any]:
    @functools.wraps(function)
    def noted(*args: Any, **named: Any) -> Any:
        called.add(label)
        return function(*args, **named)

    return noted


def forgotten(methods: set[str], models: set[str]) -> list[str]:
    """What is wrong with the suite as a whole, given what its tests have used."""
    method_complaints = compare("method", public_methods(), methods, set())
    return method_complaints + compare("model", public_models(), models, MODELS_WITHOUT_USE)


def compare(kind: str, offered: set[str], used: set[str], useless: set[str]) -> list[str]:
    unused = offered - used - useless
    stale = useless & used | useless - offered
    return [f"the {kind} {name} is used by no test" for name in sorted(unused)] + [
        f"the {kind} {name} need not be listed as useless" for name in sorted(stale)
    ]


def request(model: type[BaseModel], **members: Any) -> dict[str, Any]:
    """The body that the SDK's request model makes of these members."""
    held.add(model.__name__)
    return model(**members).model_dump(exclude_unset=True)
