"""`$batch`: up to 20 requests in one, each charged, throttled and answered on its own."""

import base64
import binascii
import json
from collections.abc import Mapping
from typing import Any

from multidict import CIMultiDict

from km365.local.routes import Answer, Call, Documented, GraphFault, Json, Request, route
from km365.local.server import JSON_TYPE, split_url

MOST = 20
VERBS = ("GET", "POST", "PATCH", "PUT", "DELETE")


def malformed(message: str) -> GraphFault:
    return GraphFault(400, "BadRequest", f"Invalid batch payload format. {message}")


@route("POST", "/$batch", evidence=Documented("json-batching"))
async def batch(call: Call) -> Json:
    """Answers come in another order than the requests, as they may; clients go by their ids."""
    wanted = _checked(call)
    answered: dict[str, Answer] = {}
    for key in _in_order(wanted):
        before = [answered[_key(d)].status for d in wanted[key].get("dependsOn") or ()]
        if any(status >= 400 for status in before):
            fault = {"code": "FailedDependency", "message": "A request that this one depends on has failed."}
            answered[key] = Answer(424, {"error": fault})
        else:
            answered[key] = await call.m365.dispatch(_request(call, wanted[key]))
    return {"responses": [_shown(wanted[key]["id"], answer) for key, answer in reversed(answered.items())]}


def _key(name: Json) -> str:
    return str(name).casefold()


def _checked(call: Call) -> dict[str, dict[str, Any]]:
    """The requests by their ids, which disregard case. 400 for what is no batch."""
    requests = call.json().get("requests")
    if not isinstance(requests, list) or not requests:
        raise malformed("'requests' must hold at least one request.")
    if len(requests) > MOST:
        raise malformed(f"The number of requests exceeds {MOST}.")
    wanted: dict[str, dict[str, Any]] = {}
    for request in requests:
        if not isinstance(request, dict) or not isinstance(request.get("id"), str) or not request["id"]:
            raise malformed("Every request needs an 'id'.")
        if _key(request["id"]) in wanted:
            raise malformed(f"The id '{request['id']}' is not unique.")
        _check(request)
        wanted[_key(request["id"])] = request
    return wanted


def _check(request: Mapping[str, Any]) -> None:
    name, url, headers = request["id"], request.get("url"), request.get("headers") or {}
    if str(request.get("method")).upper() not in VERBS:
        raise malformed(f"Request '{name}' needs a 'method'.")
    if not isinstance(url, str) or "://" in url.partition("?")[0] or "$batch" in url:
        raise malformed(f"Request '{name}' needs a relative 'url'.")
    if not isinstance(headers, dict):
        raise malformed(f"The headers of request '{name}' must be an object.")
    if not isinstance(request.get("dependsOn") or [], list):
        raise malformed(f"dependsOn of request '{name}' must be a list.")
    if request.get("body") is not None and "content-type" not in {str(h).lower() for h in headers}:
        raise malformed(f"Request '{name}' has a body, so it needs a Content-Type header.")


def _in_order(wanted: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """The keys so that each comes after those it depends on. 400 for a strange id or a circle."""
    ordered: list[str] = []
    waiting = {key: {_key(d) for d in request.get("dependsOn") or ()} for key, request in wanted.items()}
    if strange := set().union(*waiting.values()) - waiting.keys():
        raise malformed(f"dependsOn names '{min(strange)}', which is no request of this batch.")
    while waiting:
        ready = [key for key, needs in waiting.items() if needs <= set(ordered)]
        if not ready:
            raise malformed("dependsOn goes round in a circle.")
        ordered += ready
        for key in ready:
            del waiting[key]
    return ordered


def _request(call: Call, wanted: Mapping[str, Any]) -> Request:
    path, query = split_url("/" + wanted["url"].lstrip("/"))
    headers = CIMultiDict({str(k): str(v) for k, v in (wanted.get("headers") or {}).items()})
    return Request(
        verb=wanted["method"].upper(),
        path=path.removeprefix("/v1.0"),
        query=query,
        headers=headers,
        body=_body(wanted.get("body"), headers.get("Content-Type", "")),
        caller=call.caller,
        request_id=call.state.new_id(),
        inside_batch=True,
    )


def _body(body: Json, content_type: str) -> bytes:
    """JSON as it is, anything else out of base64."""
    if body is None:
        return b""
    if "json" in content_type.lower():
        return json.dumps(body).encode()
    try:
        return base64.urlsafe_b64decode(str(body) + "=" * (-len(str(body)) % 4))
    except (binascii.Error, ValueError):
        raise malformed("A body that is not JSON must be base64.") from None


def _shown(name: str, answer: Answer) -> dict[str, Json]:
    shown: dict[str, Json] = {"id": name, "status": answer.status, "headers": dict(answer.headers)}
    if isinstance(answer.body, bytes):
        shown["body"] = base64.b64encode(answer.body).decode()
    elif answer.body is not None:
        shown["headers"].setdefault("Content-Type", JSON_TYPE)
        shown["body"] = answer.body
    return shown
