"""Staff ask for terms, and a focal point decides."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from km365.core.examples import Example
from km365.core.feedback import Feedback, Verdict
from km365.core.taxonomy import Concept, Taxonomy, TermSet
from km365.core.term_requests import RequestState, Wish
from km365.errors import ChangedMeanwhile, InputRefused, NotFound
from km365.jobs import open_jobs
from km365.services import requests
from km365.store import feedback, outbox
from km365.store.database import Database

NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)
WATER = Concept(id="topic/water", labels={"en": "Water"})
KNOWN = Taxonomy(term_sets=(TermSet(key="topic", names={"en": "Topics"}, concepts=(WATER,)),))
ANXIETY = Wish(label="Climate anxiety", facet="topic", language="en")


@pytest.fixture
def db(database_url: str) -> Iterator[Database]:
    opened = Database.open(database_url)
    yield opened
    opened.close()


async def ask(db: Database, who: str, wish: Wish = ANXIETY, *, days: int = 0) -> str:
    made = await requests.add(db, KNOWN, wish, because="needed", who=who, now=NOW + timedelta(days=days))
    return made.id


async def test_colleagues_who_ask_for_the_same_make_one_request(db: Database):
    first = await ask(db, "ann")
    again = await ask(db, "ben", Wish(label="climate ANXIETIES", facet="topic", language="en"))
    await ask(db, "ben", days=1)
    other = await ask(db, "ann", Wish(label="Floods", facet="topic", language="en"))
    assert first == again != other
    found = await requests.list_(db)
    assert [(one.request.id, one.evidence.askers) for one in found] == [(first, 2), (other, 1)]


async def test_documents_and_corrections_that_use_the_words_speak_for_a_request(db: Database):
    request = await ask(db, "ann")
    one_word = await ask(db, "ann", Wish(label="Floods", facet="topic", language="en"))
    with db.begin() as c:
        for number, phrases in enumerate(({"climat anxieti": "climate anxiety"}, {}, {})):
            stems = " ".join(_stems("climate anxiety"))
            feedback.put_example(
                c,
                Example(
                    document=("d", str(number)),
                    path="/x",
                    language="en",
                    ctag="1",
                    words={_stems("flood")[0]: 3},
                    phrases={stems: "climate anxiety"} if phrases else {},
                    read_at=NOW,
                ),
            )
        said = Feedback(
            concept_id="topic/water",
            facet="topic",
            verdict=Verdict.WRONG,
            document=("d", "1"),
            at=NOW,
            who="ann",
            words=("climate anxiety", "sea"),
        )
        feedback.add(c, [said])
    found = {one.request.id: one.evidence for one in await requests.list_(db)}
    assert (found[request].documents, found[request].feedback) == (1, 1)
    assert (found[one_word].documents, found[one_word].feedback) == (3, 0)


def _stems(text: str) -> tuple[str, ...]:
    from km365.core.text import key

    return key(text)


async def test_accepting_writes_the_term_and_tells_those_who_asked(db: Database, tmp_path: Path):
    request_id = await ask(db, "ann")
    await ask(db, "ben")
    await ask(db, requests.COMMAND_LINE)
    request = (await requests.list_(db))[0].request
    edit = requests.proposed(KNOWN, request, to=tmp_path / "taxonomies", broader="topic/water")
    assert [one.id for one in edit.differences] == ["topic/climate-anxiety"]
    done = await requests.accept(db, open_jobs(db), request, edit, who="focal", now=NOW)
    assert (done.state, done.concept_id) == (RequestState.ACCEPTED, "topic/climate-anxiety")
    written = json.loads((tmp_path / "taxonomies" / "topic.json").read_text(encoding="utf-8"))
    assert written["concepts"][1] == {
        "id": "topic/climate-anxiety",
        "labels": {"en": "Climate anxiety"},
        "broader": "topic/water",
    }
    told = await db.run(outbox.list_, prefix=f"term:{request_id}")
    assert {one.message.person_id for one in told} == {"ann", "ben"}
    assert told[0].message.data == {"title": "Climate anxiety", "decision": "accepted", "reason": ""}
    assert await requests.list_(db) == []
    with pytest.raises(InputRefused, match="accepted already"):
        requests.proposed(KNOWN, done, to=tmp_path)
    with pytest.raises(ChangedMeanwhile):
        await requests.decline(db, open_jobs(db), request_id, reason="no", who="focal", now=NOW)


async def test_declining_keeps_the_reason_and_a_new_wish_begins_anew(db: Database):
    request_id = await ask(db, "ann")
    with pytest.raises(InputRefused):
        await requests.decline(db, open_jobs(db), request_id, reason=" ", who="focal", now=NOW)
    with pytest.raises(NotFound):
        await requests.decline(db, open_jobs(db), "r-none", reason="no", who="focal", now=NOW)
    done = await requests.decline(db, open_jobs(db), request_id, reason="Too narrow", who="focal", now=NOW)
    assert (done.state, done.reason) == (RequestState.DECLINED, "Too narrow")
    (told,) = await db.run(outbox.list_, prefix=f"term:{request_id}")
    assert told.message.data["reason"] == "Too narrow"
    assert await ask(db, "ann", days=2) != request_id
    assert len(await requests.list_(db, state=None)) == 2
