"""When a milestone closes its headline messages are found, told of once, chosen, and can be undone."""

import io

import docx
import pytest

from km365.core.audience import Audience
from km365.core.headlines import Why
from km365.core.languages import LANGUAGES
from km365.errors import InputRefused, NotFound
from km365.graph import drives, sites
from km365.local import users
from km365.services import headline_choice as choice
from km365.services import headlines as service
from km365.services.headline_answers import PREFIX
from km365.services.headline_choice import Became
from km365.services.headline_summary import Labels
from km365.store import headlines as store
from km365.store.headlines import State
from km365.templates import Templates

from ..conftest import BELMORA, Provisioned, person_id
from .reflecting import BEN, CHOSE_THE_DAY, DENIED, EVE, SAM, STORIES, SUE, Reflecting


@pytest.fixture
async def review(provisioned: Provisioned) -> Reflecting:
    made = Reflecting(provisioned)
    await made.begin()
    return made


async def library_files(here: Provisioned) -> dict[str, bytes]:
    graph = here.app.graph
    site = await sites.get_site(graph, BELMORA)
    drive = await drives.get_drive(graph, site.id, "Documents")
    return {
        file.name: await drives.download(graph, drive.id, file.id, limit_bytes=1_000_000)
        async for file in drives.list_files(graph, drive.id)
    }


async def edit_by_hand(here: Provisioned, name: str) -> None:
    site = await sites.get_site(here.app.graph, BELMORA)
    drive = await drives.get_drive(here.app.graph, site.id, "Documents")
    await drives.upload(here.app.graph, drive.id, name, b"edited by hand")


def text_of(data: bytes) -> str:
    return "\n".join(paragraph.text for paragraph in docx.Document(io.BytesIO(data)).paragraphs)


async def test_what_is_found_at_the_close_is_told_once_to_who_chooses(review: Reflecting) -> None:
    await review.agreed()
    for _ in range(2):
        await review.looks()
        review.later(days=2)
    told = await review.told()
    assert {one.person_id for one in told} == {person_id("ben"), person_id("sam")} and len(told) == 2
    assert all(not set(CHOSE_THE_DAY) & {str(value) for value in one.data.values()} for one in told)
    seen = await service.sheet(review.desk, review.campaign, SAM)
    first = seen.candidates[0]
    assert (seen.people, first.people, first.against) == (4, 3, None)
    assert {first.says.text, *(quote.text for quote in first.quotes)} == set(CHOSE_THE_DAY)
    assert [quote.text for quote in first.others] == [DENIED] and Why.DISPUTED in first.why
    assert {(group.perspective, group.people) for group in seen.groups} == {("operational", 4)}


async def test_only_who_chooses_sees_it_and_another_office_only_what_is_for_everyone(
    review: Reflecting,
) -> None:
    await review.agreed()
    await review.looks()
    with pytest.raises(InputRefused, match="focal point or the front office of CO-BEL"):
        await service.sheet(review.desk, review.campaign, SUE)
    users.join_group(review.here.m365.state, "Knowledge reviewers", EVE.person_id)
    seen = await service.sheet(review.desk, review.campaign, EVE)
    assert (seen.candidates, seen.hidden) == ((), 4)
    with pytest.raises(NotFound):
        await choice.decide(review.desk, review.campaign, [1], State.CHOSEN, reader=EVE)


async def test_who_may_read_a_field_is_kept_field_by_field_and_narrowed_with_the_item(
    review: Reflecting,
) -> None:
    for person in STORIES:
        await review.agrees(person, everyone=("headline",))
    await review.looks()
    (first, *_) = (await service.sheet(review.desk, review.campaign, BEN)).candidates
    assert first.audience is Audience.EVERYONE
    await review.edits(f"KM-{review.interview('ann')}", KMAudience="R")
    rest = (await service.sheet(review.desk, review.campaign, BEN)).candidates
    assert CHOSE_THE_DAY[0] not in str(rest)


async def test_a_milestone_called_off_has_none(provisioned: Provisioned) -> None:
    one = Reflecting(provisioned)
    await one.begin(state="cancelled")
    for person in STORIES:
        await one.agrees(person)
    await one.looks()
    assert await one.told() == []
    assert await provisioned.app.db.run(store.list_, one.campaign) == []


async def test_the_chosen_become_lessons_and_a_summary_that_is_left_to_whoever_edits_it(
    review: Reflecting,
) -> None:
    await review.agreed()
    await review.looks()
    before = await review.items()
    own = "Let health workers choose the day"
    tried = await choice.decide(
        review.desk, review.campaign, [1], State.CHOSEN, reader=SAM, edits={1: own}, dry_run=True
    )
    await review.works()
    assert [one.became for one in tried] == [Became.LESSON] and await review.items() == before
    for _ in range(2):
        made = await choice.decide(
            review.desk, review.campaign, [1], State.CHOSEN, reader=SAM, edits={1: own}
        )
        await review.works()
    assert [one.became for one in made] == [Became.NOTHING]
    (new,) = set(await review.items()) - set(before)
    lesson = (await review.items())[new]
    assert (lesson["Title"], lesson["KMMaturity"], lesson["KMMilestone"]) == (
        own,
        "in review",
        review.milestone,
    )
    assert not lesson.get("KMContributors") and lesson["KMAudience"] == "O"
    assert all(text in lesson["KMDescription"] for text in CHOSE_THE_DAY) and DENIED in lesson["KMLimits"]
    files = await library_files(review.here)
    (name,) = [name for name in files if "Headline messages" in name]
    said = text_of(files[name])
    assert own in said and DENIED in said and "Who says so: 3" in said
    assert not any(person in said for person in ("Paperboat", "Ann", "Sue"))
    await edit_by_hand(review.here, name)
    await choice.decide(
        review.desk, review.campaign, [1], State.CHOSEN, reader=BEN, edits={1: "In our words"}
    )
    await review.works()
    files = await library_files(review.here)
    assert files[name] == b"edited by hand"
    assert [one for one, data in files.items() if one != name and "In our words" in text_of(data)]
    again = await service.sheet(review.desk, review.campaign, SAM)
    assert again.people == 4 and again.summary_url.startswith("http")  # the lesson is no answer itself


async def test_a_choice_is_undone_before_somebody_has_decided_on_the_lesson(review: Reflecting) -> None:
    await review.agreed()
    await review.looks()
    before = set(await review.items())
    await choice.decide(review.desk, review.campaign, [1], State.CHOSEN, reader=BEN)
    await review.works()
    (item,) = set(await review.items()) - before
    review.later(minutes=5)
    undone = await choice.decide(review.desk, review.campaign, [1], State.OPEN, reader=BEN)
    await review.works()
    assert [one.became for one in undone] == [Became.TAKEN_OUT] and set(await review.items()) == before
    assert [text for text in map(text_of, (await library_files(review.here)).values()) if "chosen at" in text]
    await choice.decide(review.desk, review.campaign, [1], State.CHOSEN, reader=BEN)
    await review.works()
    await review.edits(item, KMMaturity="validated")
    with pytest.raises(InputRefused, match="is validated"):
        await choice.decide(review.desk, review.campaign, [1], State.DROPPED, reader=BEN)


async def test_what_an_author_takes_back_is_neither_shown_nor_kept_as_a_lesson(review: Reflecting) -> None:
    await review.agreed()
    await review.looks()
    await choice.decide(review.desk, review.campaign, [1], State.CHOSEN, reader=BEN)
    await review.works()
    said = (await service.sheet(review.desk, review.campaign, BEN)).candidates[0].says
    await review.edits(said.place.source, KMMaturity="retired")
    left = (await service.sheet(review.desk, review.campaign, BEN)).candidates
    assert said.text not in str(left) and {one.number for one in left} == {2, 3}
    review.later(days=2)
    await review.looks()
    assert not [name for name in await review.items() if name.startswith(PREFIX)]


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_language_has_the_words_of_the_summary(language: str) -> None:
    labels = Labels(Templates(), language)
    words = ("title", "intro", "office", "milestone", "date", "answered", "said_by", "few", "others")
    assert all(labels.text(key) for key in (*words, "reworded", "nothing", "office_only", "everyone", "line"))
    sides = {
        labels.side(one) for one in ("operational", "programmatic", "partnership", "programme management", "")
    }
    assert len(sides) == 5 and "{text}" not in labels.text("quoted", text="x")
