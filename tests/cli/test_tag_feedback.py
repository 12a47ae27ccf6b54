"""`km365 tag feedback`, `learn`, `report` and `taxonomy synonyms` as typed: corrected, learnt."""

import json
import random
import sys
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from lxml import html

from km365.errors import ExitCode
from km365.graph import drives, sites
from km365.graph.drives import File
from km365.services import feedback, suggest
from km365.suggest import judged
from km365.suggest.vocabulary import Vocabulary

from ..conftest import BELMORA, Provisioned
from ..services.desk import Desk
from .conftest import Type
from .terminal import CTRL_C, at_a_terminal

TEXT = "Chest freezers for health posts\n\nChest freezers keep vaccines at the right temperature."


async def upload(here: Provisioned, *names: str, text: str = TEXT) -> list[File]:
    site = await sites.get_site(here.app.graph, BELMORA)
    drive = await drives.get_drive(here.app.graph, site.id, "Documents")
    return [await drives.upload(here.app.graph, drive.id, name, text.encode()) for name in names]


async def planned(km365: Type) -> dict[str, list[str]]:
    """The ids of the terms proposed, by document."""
    done = await km365("tag", "plan", "-o", "plan.json", "--overwrite")
    assert done.code == ExitCode.DONE, done.err
    return {
        one["path"]: [term["id"] for column in one["columns"].values() for term in column["add"]]
        for one in read()["documents"]
    }


def read() -> Any:
    return json.loads(Path("plan.json").read_text(encoding="utf-8"))


def write(plan: Any) -> None:
    Path("plan.json").write_text(json.dumps(plan), encoding="utf-8")


async def test_a_correction_is_learnt_by_the_next_plan_and_survives_the_undo(
    km365: Type, provisioned: Provisioned
) -> None:
    await upload(provisioned, "posts.txt", "other.txt")
    before = await planned(km365)
    assert "topic/immunization" in before["posts.txt"]
    assert "topic/cold-chain" not in before["posts.txt"]
    plan = read()
    plan["documents"] = [one for one in plan["documents"] if one["path"] == "posts.txt"]
    topic = plan["documents"][0]["columns"]["KMTopic"]
    topic["add"] = [one for one in topic["add"] if one["id"] != "topic/immunization"]
    topic["add"].append({"term": "Cold chain"})
    write(plan)
    run = (await km365("tag", "apply", "plan.json", "--json")).json["run"]["id"]
    said = {
        (one["concept_id"], one["verdict"]) for one in (await km365("tag", "feedback", "list", "--json")).json
    }
    assert {("topic/immunization", "wrong"), ("topic/cold-chain", "missing")} <= said

    assert (await km365("tag", "undo", run)).code == ExitCode.DONE
    after = await planned(km365)
    assert "topic/immunization" not in after["posts.txt"]
    assert "topic/cold-chain" in after["posts.txt"]
    assert after["other.txt"] == before["other.txt"]


async def test_an_undo_calls_no_term_wrong_and_nothing_is_learnt_from_what_it_took_back(
    km365: Type, provisioned: Provisioned, vocabulary: Vocabulary
) -> None:
    async def said() -> set[tuple[str, str]]:
        listed = (await km365("tag", "feedback", "list", "--json")).json
        return {(one["verdict"], one["source"]) for one in listed}

    await upload(provisioned, "posts.txt")
    await planned(km365)
    plan = read()
    topic = plan["documents"][0]["columns"]["KMTopic"]
    topic["add"].append({"term": "Cold chain"})
    write(plan)
    run = (await km365("tag", "apply", "plan.json", "--json")).json["run"]["id"]
    assert await said() == {("right", "plan"), ("missing", "plan")}
    assert (await km365("tag", "undo", run)).code == ExitCode.DONE
    assert await said() == {("right", "undo"), ("missing", "plan")}
    listed = (await km365("tag", "feedback", "list")).out
    assert "right, undone since" in listed and "wrong" not in listed
    (lesson,) = (await provisioned.app.db.run(feedback.lessons, vocabulary.taxonomy)).values()
    assert (lesson.kept, lesson.missing, lesson.wrong) == ((), ("topic/cold-chain",), ())


async def test_corrections_that_a_kill_kept_from_being_noted_are_kept_by_the_same_command(
    km365: Type, provisioned: Provisioned
) -> None:
    async def said() -> dict[str, str]:
        listed = (await km365("tag", "feedback", "list", "--json")).json
        return {one["concept_id"]: one["verdict"] for one in listed}

    await upload(provisioned, "posts.txt")
    await planned(km365)
    plan = read()
    topic = plan["documents"][0]["columns"]["KMTopic"]
    topic["add"] = [one for one in topic["add"] if one["id"] != "topic/immunization"]
    topic["add"].append({"term": "Cold chain"})
    write(plan)
    run = (await km365("tag", "apply", "plan.json", "--json")).json["run"]["id"]
    kept = await said()
    assert {"topic/immunization": "wrong", "topic/cold-chain": "missing"}.items() <= kept.items()

    await km365("tag", "feedback", "forget", "--all", "--yes")  # as if nothing had been noted
    assert (await km365("tag", "apply", "plan.json")).code == ExitCode.REFUSED
    assert await said() == kept
    await km365("tag", "feedback", "add", "posts.txt", "--right", "topic/immunization")
    assert (await km365("tag", "apply", "plan.json")).code == ExitCode.REFUSED
    assert (await said())["topic/immunization"] == "right", "what was said later counts"

    assert (await km365("tag", "undo", run)).code == ExitCode.DONE
    await km365("tag", "feedback", "forget", "--all", "--yes")
    assert (await km365("tag", "apply", "plan.json")).code == ExitCode.REFUSED
    assert await said() == {}, "nobody stands by a plan that was taken back"


@pytest.mark.skipif(sys.platform == "win32", reason="has no pseudo-terminals")
async def test_the_first_ctrl_c_at_a_question_leaves_all_as_it_is(
    km365: Type, provisioned: Provisioned
) -> None:
    await upload(provisioned, "one.txt")
    await km365("tag", "feedback", "add", "one.txt", "--missing", "Sanitation")
    async with at_a_terminal("tag", "feedback", "forget", "--all") as forget:
        await forget.shows("[y/N]: ")
        await forget.type(CTRL_C)
        assert await forget.code() == ExitCode.FAILED
    assert "Sanitation" in (await km365("tag", "feedback", "list")).out


async def test_a_synonym_that_corrections_suggest_finds_its_term_once_it_is_accepted(
    km365: Type, provisioned: Provisioned
) -> None:
    await upload(provisioned, "one.txt", "two.txt", "three.txt")
    for name in ("one.txt", "two.txt"):
        done = await km365("tag", "feedback", "add", name, "--missing", "Cold chain")
        assert done.code == ExitCode.DONE, done.err
    learnt = await km365("tag", "learn")
    assert learnt.code == ExitCode.DONE, learnt.err
    assert "2 of them read now" in learnt.err
    listed = (await km365("taxonomy", "synonyms", "list", "--json")).json
    (found,) = [one for one in listed if one["text"] == "chest freezers"]
    assert (found["evidence"], found["where"]) == (2, ["one.txt", "two.txt"])
    done = await km365("taxonomy", "synonyms", "accept", found["id"])
    assert "Accepted: synonym “chest freezers” of Cold chain" in done.err

    assert "topic/cold-chain" in (await planned(km365))["three.txt"]


async def test_what_is_kept_of_documents_can_be_forgotten(km365: Type, provisioned: Provisioned) -> None:
    (file,) = await upload(provisioned, "one.txt")
    said = ("--wrong", "Immunization", "--right", "topic/cold-chain")
    done = await km365("tag", "feedback", "add", file.web_url, *said)
    assert done.err.startswith("Kept: 2 of 2 for one.txt."), done.err
    await km365("tag", "learn")
    assert (await km365("tag", "feedback", "forget", "--words", "--yes")).err == "Deleted: 1.\n"
    assert "wrong 1" in (await km365("tag", "feedback", "report")).err
    await km365("tag", "feedback", "forget", "one.txt", "--yes")
    assert (await km365("tag", "feedback", "list", "--json")).json == []


async def test_the_plan_since_last_reads_again_what_was_corrected(
    km365: Type, provisioned: Provisioned
) -> None:
    await upload(provisioned, "one.txt", "two.txt")
    since_last = ("tag", "plan", "-o", "plan.json", "--overwrite", "--since-last")
    await km365(*since_last)
    (wrong, *_) = (one for column in read()["documents"][0]["columns"].values() for one in column["add"])
    assert "nothing has changed since the last plan" in (await km365(*since_last)).err
    await km365("tag", "feedback", "add", "one.txt", "--wrong", wrong["id"])
    await km365(*since_last)
    (document,) = read()["documents"]
    again = [one["id"] for column in document["columns"].values() for one in column["add"]]
    assert (document["path"], wrong["id"] in again) == ("one.txt", False)


async def test_what_is_kept_of_a_document_that_was_deleted_can_be_forgotten(
    km365: Type, provisioned: Provisioned
) -> None:
    async def paths() -> list[str]:
        return [one["path"] for one in (await km365("tag", "feedback", "list", "--json")).json]

    files = await upload(provisioned, "Secret/gone.txt", "Secret/moved.txt", "Secret/old.txt", "there.txt")
    for file in files:
        await km365("tag", "feedback", "add", file.path, "--wrong", "Immunization")
    await km365("tag", "learn")
    graph = provisioned.app.graph
    for file in (files[0], files[2]):
        await graph.delete(drives.file_item_path(file.drive_id, file.id))
    await graph.patch(drives.file_item_path(files[1].drive_id, files[1].id), {"name": "elsewhere.txt"})
    await upload(provisioned, "Secret/gone.txt")

    for which in ("Secret/gone.txt", files[1].web_url, files[2].id):
        done = await km365("tag", "feedback", "forget", which, "--yes")
        assert (done.code, done.err) == (ExitCode.DONE, "Deleted: 2.\n"), which
    assert await paths() == ["there.txt"]
    assert (await km365("tag", "feedback", "forget", "--words", "--yes")).err == "Deleted: 1.\n"
    nothing = await km365("tag", "feedback", "forget", "Secret/old.txt", "--yes")
    assert nothing.code == ExitCode.FAILED
    assert "nothing is kept of one that had this path" in nothing.err


async def test_a_term_or_document_nobody_has_is_named(km365: Type, provisioned: Provisioned) -> None:
    await upload(provisioned, "one.txt")
    unknown = await km365("tag", "feedback", "add", "one.txt", "--wrong", "Whales")
    assert (unknown.code, "'Whales' is no term" in unknown.err) == (ExitCode.REFUSED, True)
    nowhere = await km365("tag", "feedback", "add", "gone.txt", "--wrong", "Immunization")
    assert (nowhere.code, "'gone.txt'" in nowhere.err) == (ExitCode.FAILED, True)
    assert (await km365("tag", "feedback", "add", "one.txt")).code == ExitCode.USAGE
    assert (await km365("taxonomy", "synonyms", "accept", "ffffffff")).code == ExitCode.FAILED


async def test_a_run_is_reported_as_a_page_and_as_a_workbook(km365: Type, provisioned: Provisioned) -> None:
    await upload(provisioned, "=cmd.txt", "&lt;two.txt")
    await planned(km365)
    run = (await km365("tag", "apply", "plan.json", "--json")).json["run"]["id"]
    done = await km365("tag", "report", run, "-o", "report.html", "--language", "ar")
    assert done.code == ExitCode.DONE, done.err
    assert "CO-BEL Belmora: 0% of documents had a term before it, 100% after it" in done.err
    page = html.parse("report.html").getroot()
    assert (page.get("lang"), page.get("dir")) == ("ar", "rtl")
    assert page.xpath("//script | //link | //img | //b") == []
    assert len(page.xpath("//h1")) == 1
    assert all(table.xpath(".//th[@scope='col']") for table in page.xpath("//table"))
    assert "&lt;two.txt" in page.text_content()
    assert len(page.xpath("//svg[contains(@class,'bars')]")) == 9

    assert (await km365("tag", "report", run, "-o", "report.xlsx")).code == ExitCode.DONE
    book = openpyxl.load_workbook("report.xlsx")
    assert len(book["Coverage"]._charts) == 2
    for language, begins in (("en", "minMax"), ("ar", "maxMin")):
        await km365("tag", "report", run, "-o", f"{language}.xlsx", "--language", language)
        shares = openpyxl.load_workbook(f"{language}.xlsx").worksheets[1]
        for chart in shares._charts:
            assert chart.y_axis.scaling.orientation == begins, "bars begin where the language does"
            assert chart.legend is None, "the title says it, in an order of ours"
            assert len(chart.title.tx.rich.p) == 2
    names = {row[1].value: row[1].data_type for row in book["Changes"].iter_rows(min_row=2)}
    assert names == {"=cmd.txt": "s", "&lt;two.txt": "s"}
    again = await km365("tag", "report", run, "-o", "report.xlsx")
    assert (again.code, "--overwrite" in again.err) == (ExitCode.USAGE, True)
    assert (await km365("tag", "report", "tag-none")).code == ExitCode.FAILED


def fridge_note(number: int) -> str:
    """About fridges, in words that no label has; it speaks of vaccines too."""
    chance = random.Random(number)
    places = chance.sample(
        ["Tamvale", "Ostrel", "Lindo", "Perrin", "Halmet", "Sovery", "Quimby", "Darrow"], 3
    )
    said = chance.sample(["thermometers", "freezers", "icepacks", "compressors", "dials", "alarms"], 4)
    return f"Vaccines in {', '.join(places)}.\n\nWe repaired {', '.join(said)}. Vaccines kept well."


async def test_what_people_say_of_a_dozen_documents_is_learnt_for_the_next_one(
    km365: Type, provisioned: Provisioned
) -> None:
    for number in range(judged.FEWEST + 2):
        await upload(provisioned, f"{number}.txt", text=fridge_note(number))
    await planned(km365)
    plan = read()
    for document in plan["documents"]:
        topic = document["columns"]["KMTopic"]
        topic["add"] = [one for one in topic["add"] if one["id"] != "topic/immunization"]
        topic["add"].append({"term": "Cold chain"})
    write(plan)
    assert (await km365("tag", "apply", "plan.json")).code == ExitCode.DONE
    await upload(provisioned, "new.txt", text=fridge_note(100))
    assert "topic/immunization" in (await planned(km365))["new.txt"]

    learnt = await km365("tag", "learn")
    assert "Learnt from 12 documents" in learnt.err
    assert "the last 12, taken as if" in learnt.err and "in 12 cases" in learnt.err
    assert learnt.out.count("+ Cold chain") == learnt.out.count("- Immunization") == 12
    after = (await planned(km365))["new.txt"]
    assert "topic/immunization" not in after
    assert "topic/cold-chain" in after
    (document,) = [one for one in read()["documents"] if one["path"] == "new.txt"]
    (said,) = [one for one in document["columns"]["KMTopic"]["add"] if one["id"] == "topic/cold-chain"]
    assert said["because_of"], "the words of this document that speak for it"

    assert list((provisioned.app.settings.home / suggest.LEARNED).iterdir())
    assert (await km365("tag", "feedback", "forget", "--words", "--yes")).code == ExitCode.DONE
    assert list((provisioned.app.settings.home / suggest.LEARNED).iterdir()) == []


async def test_documents_that_people_tagged_themselves_teach_without_being_corrections(
    km365: Type, provisioned: Provisioned, desk: Desk
) -> None:
    topics = [one.id for one in desk.taxonomy.by_key["topic"].concepts]
    for number in range(judged.FEWEST):
        (file,) = await upload(provisioned, f"{number}.txt", text=fridge_note(number))
        await desk.set_terms(file, "KMTopic", topics.index("topic/cold-chain"))
    (ours,) = await upload(provisioned, "ours.txt")
    await desk.apply(await desk.plan([ours]))
    learnt = await km365("tag", "learn", "--site", BELMORA)
    assert f"Tagged by people: {judged.FEWEST} of {judged.FEWEST + 1} documents" in learnt.err
    assert f"Learnt from {judged.FEWEST} documents" in learnt.err
    await upload(provisioned, "new.txt", text=fridge_note(100))
    assert "topic/cold-chain" in (await planned(km365))["new.txt"]

    said = (await km365("tag", "feedback", "list", "--json")).json
    assert {(one["verdict"], one["source"], one["who"]) for one in said} == {("tagged", "library", "")}
    assert (await km365("tag", "feedback", "report", "--json")).json["most_corrected"] == []
    await desk.set_terms(file, "KMTopic")
    assert f"Tagged by people: {judged.FEWEST - 1} of" in (await km365("tag", "learn", "--site", BELMORA)).err
    assert file.path not in {one["path"] for one in (await km365("tag", "feedback", "list", "--json")).json}
