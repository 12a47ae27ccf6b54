"""Our bot in people's Teams: installed for a person, so that it may write to them first.

Permission: TeamsAppInstallation.ReadWriteSelfForUser.All, and AppCatalog.Read.All to find the app. The app
must be in the organisation's store and its manifest needs `webApplicationInfo` (graph-proactive-bots-and-
messages). Plain JSON: a campaign installs for thousands, and typed calls cost a hundred times the CPU.
"""

from weakref import WeakKeyDictionary

from km365.errors import GraphError, GraphNotFound
from km365.graph.client import Graph
from km365.graph.wire import odata_text, segment, text

_catalog_ids: WeakKeyDictionary[Graph, dict[str, str]] = WeakKeyDictionary()
"""What a Graph has answered already, by manifest id: it is asked once, not for every person."""


async def get_catalog_id(graph: Graph, app_external_id: str) -> str:
    """The app's id in the organisation's store, by the id in its manifest. Raises GraphNotFound."""
    known = _catalog_ids.setdefault(graph, {})
    if app_external_id in known:
        return known[app_external_id]
    params = {"$filter": f"externalId eq {odata_text(app_external_id)}"}
    async for page in graph.pages("/appCatalogs/teamsApps", params=params):
        for raw in page.values:
            return known.setdefault(app_external_id, text(raw.get("id")))
    raise GraphNotFound(
        f"The Teams app {app_external_id!r} is not in the organisation's store; "
        "a Teams administrator uploads it there."
    )


async def install_bot(graph: Graph, person_id: str, app_external_id: str) -> str:
    """The id of the person's chat with the bot, installed now or before (Graph's 409 is no failure)."""
    app_id = await get_catalog_id(graph, app_external_id)
    installed = f"/users/{segment(person_id)}/teamwork/installedApps"
    bind = {"teamsApp@odata.bind": graph.url(f"/appCatalogs/teamsApps/{segment(app_id)}")}
    try:
        await graph.post(installed, bind)
    except GraphNotFound:
        _catalog_ids.pop(graph, None)  # the person is gone, or the app was uploaded anew
        raise
    except GraphError as error:
        if error.status != 409:
            raise
    params = {"$expand": "teamsApp", "$filter": f"teamsApp/id eq {odata_text(app_id)}"}
    async for page in graph.pages(installed, params=params):
        for raw in page.values:
            chat = await graph.get(f"{installed}/{segment(text(raw.get('id')))}/chat")
            return text(chat.get("id"))
    raise GraphNotFound("Graph installed the bot for a person, but does not list it; try again in a minute.")
