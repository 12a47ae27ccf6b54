"""The demonstration's sixty items go through their whole life, told in chat, decided on there and by command.

Ann tells all of them and Ben decides; what is refused is refused with the reason, and changes nothing.
"""

from collections import defaultdict
from typing import Any

import pytest
from km365_bots.parts import open_parts

from km365.core.knowledge import WRITTEN_FIELDS, KnowledgeItem, Maturity, from_fields
from km365.errors import ExitCode
from km365.local import seed

from ..bots.contributing import Contributing
from ..conftest import Provisioned, sign_in_name
from .conftest import Type

ANN, BEN = sign_in_name("ann"), sign_in_name("ben")
SPEAKS = {"en": "English", "fr": "français", "es": "español", "ar": "العربية"}
TOLD = {"en": "Lesson", "fr": "Leçon", "es": "Lección", "ar": "درس"}
PASSED_REVIEW = {Maturity.VALIDATED, Maturity.PUBLISHED, Maturity.SUPERSEDED}
LESSONS = {one["title"]: one for one in seed.lessons()}


def ends_as(data: dict[str, Any]) -> Maturity:
    """Where the item stands in the demonstration; what is sent by chat is before the focal point at once."""
    maturity = Maturity(data.get("maturity", Maturity.PUBLISHED))
    return Maturity.IN_REVIEW if maturity is Maturity.SUBMITTED else maturity


async def tells(ann: Contributing, data: dict[str, Any]) -> None:
    """The item as its author would tell it: what happened, which kind, and the rest into the draft."""
    if ann.language != data["language"]:
        ann.language = data["language"]
        await ann.says(SPEAKS[ann.language])
    await ann.says(f"{TOLD[ann.language]}: {data['description']}")
    await ann.presses("answer", {"answer": data["kind"]})
    await ann.says("send")
    assert ann.card is not None, data["key"]
    fields: Any = ann.card.data["fields"]
    await ann.presses("send", {one["key"]: data.get(one["key"], "") for one in fields})


async def in_list(ann: Contributing) -> dict[str, KnowledgeItem]:
    """What the Knowledge list holds, by title."""
    return {one["Title"]: from_fields(one) for one in (await ann.items()).values()}


@pytest.mark.filterwarnings("error")
async def test_sixty_items_go_through_their_life_by_chat_and_by_command(
    provisioned: Provisioned, km365: Type
) -> None:
    ann = Contributing(provisioned, await open_parts(provisioned.app))
    for data in LESSONS.values():
        await tells(ann, data)
    await ann.works()
    items = await in_list(ann)
    assert items.keys() == LESSONS.keys()
    for title, item in items.items():
        told = {name: LESSONS[title].get(name, "") for name in WRITTEN_FIELDS}
        assert {name: getattr(item, name) for name in WRITTEN_FIELDS if getattr(item, name)} == {
            name: text for name, text in told.items() if text
        }
        assert (item.kind, item.language) == (LESSONS[title]["kind"], LESSONS[title]["language"])
        assert item.maturity is Maturity.IN_REVIEW

    by_end = defaultdict[Maturity, list[str]](list)
    for title, data in LESSONS.items():
        by_end[ends_as(data)].append(items[title].id)
    every = [item.id for item in items.values()]
    await refused(km365, every, ANN, "validate", because="Nobody decides on their own")
    await refused(km365, every[::6], BEN, "publish", because="it must be validated or published")
    await refused(km365, every[::6], BEN, "return", because="ask its contributor")

    ben = Contributing(provisioned, ann.parts, person="ben")
    await ben.says("what waits for me")
    passing = [one for end in by_end if end in PASSED_REVIEW for one in by_end[end]]
    half = len(passing) // 2
    for first in range(0, half, 6):
        await ben.presses("validate", {"which": ",".join(passing[first : min(first + 6, half)])})
    assert (await km365("lesson", "validate", *passing[half:], "--as", BEN)).code == ExitCode.DONE
    await refused(km365, passing[::6], BEN, "return", "--question", "Where?", because="it must be in review")
    shown = [one for end in (Maturity.PUBLISHED, Maturity.SUPERSEDED) for one in by_end[end]]
    await refused(
        km365, shown[::6], BEN, "publish", "--to", "public", because="A knowledge reviewer publishes"
    )
    assert (await km365("lesson", "publish", *shown, "--as", BEN)).code == ExitCode.DONE
    await refused(km365, shown[::6], BEN, "validate", because="it must be in review")

    for title, data in LESSONS.items():
        item_id, reason = items[title].id, data.get("reason", "")
        if ends_as(data) is Maturity.RETURNED:
            questions = [word for one in reason.splitlines() for word in ("--question", one)]
            assert (await km365("lesson", "return", item_id, *questions, "--as", BEN)).code == ExitCode.DONE
        elif ends_as(data) is Maturity.RETIRED:
            await refused(km365, [item_id], BEN, "retire", because="give a reason")
            done = await km365("lesson", "retire", item_id, "--reason", reason, "--as", BEN)
            assert done.code == ExitCode.DONE
        elif successor := data.get("superseded_by"):
            (newer,) = [items[one["title"]].id for one in LESSONS.values() if one["key"] == successor]
            await refused(km365, [item_id], BEN, "supersede", "--by", item_id, because="its own place")
            done = await km365("lesson", "supersede", item_id, "--by", newer, "--as", BEN)
            assert done.code == ExitCode.DONE

    after = await in_list(ann)
    assert {title: one.maturity for title, one in after.items()} == {
        title: ends_as(data) for title, data in LESSONS.items()
    }
    for title, one in after.items():
        assert one.reason == LESSONS[title].get("reason", "")
        assert bool(one.validated_by) is (one.maturity in PASSED_REVIEW)
        assert {name: getattr(one, name) for name in WRITTEN_FIELDS} == {
            name: getattr(items[title], name) for name in WRITTEN_FIELDS
        }


async def refused(km365: Type, ids: list[str], who: str, move: str, *how: str, because: str) -> None:
    """Every one of them is refused with the reason, and none is moved."""
    ran = await km365("lesson", move, *ids, *how, "--as", who)
    assert (ran.code, ran.err.count(because)) == (ExitCode.REFUSED, len(ids)), ran.err
