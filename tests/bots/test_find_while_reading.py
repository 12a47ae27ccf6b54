"""What is found while the index is read for the first time: what there is, and else that it is being read."""

import pytest
from km365_bots.topics.find import Find

from km365.store import search as store
from km365.store.search import Source

from ..conftest import Provisioned, person_id
from .chatting import Chat, Office

NEW = Source(container="c", site="s", office="CO-BEL", name="CO-BEL Belmora", shelf="CO-BEL")


@pytest.mark.parametrize(
    ("language", "asked", "heard"),
    [
        ("en", "what do we know about fridges", "is being read just now; please ask again in a minute"),
        ("fr", "que savons-nous sur les pompes", "redemandez-moi dans une minute"),
        ("ar", "ماذا نعرف عن المضخات", "اسألوني مرة أخرى بعد دقيقة"),
    ],
)
async def test_while_it_is_read_it_says_so_and_to_ask_again(
    provisioned: Provisioned, language: str, asked: str, heard: str
) -> None:
    app = provisioned.app
    office = Office(db=app.db, topics=[Find(app.graph, app.settings, app.templates)])
    office.languages[person_id("ben")] = language
    chat = Chat(office=office, person=person_id("ben"))
    await app.db.run(store.put_source, NEW)
    await chat.says(asked)
    chat.heard(heard)
    await chat.presses("again")
    chat.heard(heard)
    await app.db.run(store.change_source, "c", looked_at=chat.at)
    await chat.presses("again")
    chat.not_heard(heard)
