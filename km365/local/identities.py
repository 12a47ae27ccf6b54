"""Who did it, as Graph shows it in createdBy and lastModifiedBy."""

import json
from collections.abc import Callable, Mapping

from km365.local.routes import Caller, Json
from km365.local.state import State

PeopleLookup = Callable[[State, str], Mapping[str, str] | None]
_lookups: list[PeopleLookup] = []


def people_come_from(find: PeopleLookup) -> None:
    """Let `find(state, user_id)` give `{"displayName": ..., "email": ...}`, or None for a stranger."""
    _lookups[:] = [find]


def identity(state: State, caller: Caller) -> dict[str, Json]:
    """The identitySet of a caller: the person when the token is a person's, else the application."""
    if caller.user_id is None:
        return {"application": {"id": caller.app_id, "displayName": caller.app_id}}
    known = _lookups[0](state, caller.user_id) if _lookups else None
    return {"user": {"id": caller.user_id, **(known or {})}}


def identity_text(state: State, caller: Caller) -> str:
    """The same as JSON text, as our tables keep it."""
    return json.dumps(identity(state, caller), ensure_ascii=False)
