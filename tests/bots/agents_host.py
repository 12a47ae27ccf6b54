"""The bot's turns under the Microsoft 365 Agents SDK: what `km365_bots/host.py` is for botbuilder."""

import json
from typing import Any

from aiohttp import web
from km365_bots.activities import Malformed, read_activity
from km365_bots.turn import Turns
from microsoft_agents.activity import Activity, InvokeResponse
from microsoft_agents.authentication.msal import MsalConnectionManager
from microsoft_agents.hosting.aiohttp import CloudAdapter, jwt_authorization_decorator
from microsoft_agents.hosting.core import AgentAuthConfiguration, TurnContext


class AgentsHost:
    """Answers POST /api/messages. `auth` says whom the SDK's own check lets in."""

    def __init__(self, *, turns: Turns, auth: AgentAuthConfiguration) -> None:
        self.auth = auth
        self._turns = turns
        connections = MsalConnectionManager(connections_configurations={"SERVICE_CONNECTION": auth})
        self._adapter = CloudAdapter(connection_manager=connections)
        self._adapter.on_turn_error = None  # the SDK's own tells people the text of an exception
        self.messages = jwt_authorization_decorator(self._messages)

    async def _messages(self, request: web.Request) -> web.Response:
        try:
            read_activity(await request.read())
        except Malformed as error:
            return web.json_response({"error": str(error)}, status=400)
        return await self._adapter.process(request, self) or web.Response(status=202)

    async def on_turn(self, context: TurnContext) -> None:
        heard: Any = context.activity.model_dump(by_alias=True, exclude_none=True, mode="json")
        answer = await self._turns.take(read_activity(json.dumps(heard).encode()), _as_it_is)
        if answer.body is not None:
            response = InvokeResponse(status=answer.status, body=answer.body)
            await context.send_activity(Activity(type="invokeResponse", value=response))


async def _as_it_is(logic: Any) -> None:
    await logic()
