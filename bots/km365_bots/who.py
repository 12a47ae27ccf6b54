"""Who speaks in a chat, as a reader of what the organisation keeps."""

from km365.app import App
from km365.core.audience import Reader
from km365.graph import people
from km365_bots.chat import Chat


async def reader_of(app: App, chat: Chat) -> Reader:
    """The person with their office of today. Needs User.Read.All."""
    person = await people.get_person(app.graph, chat.event.person_id)
    return Reader(person_id=person.id, office=person.office)
