"""`km365 headline` as typed: what is seen, chosen, dropped and undone, and by whom."""

import pytest

from km365.errors import ExitCode

from ..conftest import Provisioned, sign_in_name
from ..services.reflecting import CHOSE_THE_DAY, DENIED, Reflecting
from .conftest import Type

BEN, SUE = sign_in_name("ben"), sign_in_name("sue")


@pytest.fixture
async def review(provisioned: Provisioned) -> Reflecting:
    made = Reflecting(provisioned)
    await made.begin(ended=False)
    await made.agreed()
    return made


async def test_a_focal_point_reads_tries_chooses_and_undoes(km365: Type, review: Reflecting) -> None:
    early = await km365("headline", "show", review.milestone, "--as", BEN)
    assert early.code == ExitCode.DONE and "not over yet" in early.err and CHOSE_THE_DAY[0] in early.out
    refused = await km365("headline", "choose", review.milestone, "1", "--as", BEN)
    assert refused.code == ExitCode.REFUSED and "is not over" in refused.err
    review.later(days=30)
    await review.looks()
    listed = await km365("headline", "list", "--as", BEN, "--json")
    assert listed.json[0]["people"] == 4 and listed.json[0]["chosen"] == 0
    shown = await km365("headline", "show", review.milestone, "--as", BEN)
    assert f"others say: “{DENIED}”" in shown.out and "here because: more people say so" in shown.out
    as_json = (await km365("headline", "show", review.milestone, "--as", BEN, "--json")).json
    assert as_json["headlines"][0]["people"] == 3 and as_json["headlines"][1]["sources"] == []

    words = ("headline", "choose", review.milestone, "1", "--edit", "1: Ask the nurses", "--as", BEN)
    tried = await km365(*words, "--dry-run")
    assert "1  lesson KM-H" in tried.out and "Nothing was changed." in tried.err
    assert not [one for one in await review.items() if one.startswith("KM-H")]
    made = await km365(*words)
    assert made.code == ExitCode.DONE and "Summary: http" in made.err
    (item,) = [one for one in await review.items() if one.startswith("KM-H")]
    assert item in made.out and (await review.items())[item]["Title"] == "Ask the nurses"
    one = await km365("headline", "list", review.milestone, "--as", BEN)
    assert "chosen" in one.out and "Ask the nurses" in one.out
    undone = await km365("headline", "undo", review.milestone, "1", "--as", BEN)
    assert f"1  taken out {item}" in undone.out and item not in await review.items()
    assert "1  dropped" in (await km365("headline", "drop", review.milestone, "1", "--as", BEN)).out


async def test_what_is_wrong_is_said_with_what_to_do(km365: Type, review: Reflecting) -> None:
    for words, code, said in (
        (("show", review.milestone, "--as", SUE), ExitCode.REFUSED, "front office of CO-BEL"),
        (("show", "99", "--as", BEN), ExitCode.FAILED, "No milestone '99' has asked anybody"),
        (
            ("choose", review.milestone, "1", "--edit", "mine", "--as", BEN),
            ExitCode.USAGE,
            "--edit is a number",
        ),
    ):
        ran = await km365("headline", *words)
        assert ran.code == code and said in ran.err, ran
