"""Activities as Teams sends them, and a place to send them to."""

import itertools
from typing import Any

PERSON = "6f3c1a52-0000-4000-8000-00000000000a"
TENANT = "11111111-0000-4000-8000-000000000001"
_numbers = itertools.count(1_700_000_000_000)


def activity(service_url: str, **changes: Any) -> dict[str, Any]:
    """A typed message in a one-to-one chat; `changes` replace its parts, None takes one away."""
    whole = {
        "type": "message",
        "id": str(next(_numbers)),
        "timestamp": "2026-11-21T10:00:00Z",
        "channelId": "msteams",
        "serviceUrl": service_url + "/",
        "from": {"id": "29:1person", "name": "A Person", "aadObjectId": PERSON.upper()},
        "conversation": {"conversationType": "personal", "tenantId": TENANT, "id": "19:chat@unq.gbl.spaces"},
        "recipient": {"id": "28:bot", "name": "km365"},
        "channelData": {"tenant": {"id": TENANT}},
        "entities": [{"type": "clientInfo", "locale": "fr-FR", "platform": "Web"}],
        "locale": "fr-FR",
        "text": "hello",
        **changes,
    }
    return {key: value for key, value in whole.items() if value is not None}


def execute(service_url: str, verb: str, **data: Any) -> dict[str, Any]:
    """The press of an Action.Execute button."""
    value = {"action": {"type": "Action.Execute", "verb": verb, "data": data}, "trigger": "manual"}
    return activity(
        service_url,
        type="invoke",
        name="adaptiveCard/action",
        text=None,
        value=value,
        replyToId="1600000000000",
    )


def submit(service_url: str, **value: Any) -> dict[str, Any]:
    """The press of an Action.Submit button."""
    return activity(service_url, text=None, value=value, replyToId="1600000000000")
