"""Who speaks in a chat, as a reader of what the organisation keeps."""

from km365.core.audience import Reader
from km365.graph import people
from km365.graph.client import Graph
from km365_bots.chat import Chat


async def reader_of(graph: Graph, chat: Chat) -> Reader:
    """The person with their office of today.

    Raises GraphNotFound where the directory has nobody. Needs User.Read.All.
    """
    return (await people.get_person(graph, chat.event.person_id)).reader
