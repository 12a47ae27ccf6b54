"""Volumes of the *Knowledge* list: what may not be read is in none, however it is written."""

import io
import zipfile

import pytest

from km365.core.audience import Audience, Reader
from km365.core.compendium import Why
from km365.core.knowledge import Maturity, Reach
from km365.core.moves import Move
from km365.documents.compendium_file import Plan
from km365.errors import InputRefused
from km365.local import users
from km365.services import compendium, life
from km365.services.life import LifeDesk, Wanted

from ..conftest import Provisioned, person_id
from .lessons import NOW, lesson
from .published import Shelf, published

SECRET = "The quinine was hidden"


@pytest.fixture
def shelf(provisioned: Provisioned) -> Shelf:
    return Shelf(provisioned)


def everything_in(data: bytes) -> str:
    """All parts of a Word file, or the page."""
    if not data.startswith(b"PK"):
        return data.decode()
    with zipfile.ZipFile(io.BytesIO(data)) as package:
        return "".join(package.read(name).decode("utf-8", "replace") for name in package.namelist())


async def test_a_restricted_sentence_is_in_no_volume_plan_or_list(shelf: Shelf) -> None:
    await shelf.holds(published())
    for number, audience in enumerate((Audience.OFFICE, Audience.SUCCESSOR, Audience.NAMED), 2):
        hidden = published(f"KM-{number}", audience=audience, title=SECRET, description=f"{SECRET}.")
        await shelf.holds(hidden, KMLinks=f"confirms KM-1: {SECRET}")
    await shelf.holds(published("KM-9", maturity=Maturity.IN_REVIEW, title=SECRET))
    for reach in Reach:
        for ending in (".docx", ".html"):
            built = await shelf.builds(ending, reach=reach)
            assert "Ask drivers first" in everything_in(built.data)
            assert SECRET not in everything_in(built.data) and SECRET not in str(built.volume)
            assert built.volume.kept_back == 1
        written, volume = await compendium.plan(shelf.desk, Plan(by="office", reach=reach), name="v.toml")
        assert SECRET not in written and SECRET not in str(volume)
        assert [piece.item.id for piece in volume.pieces] == ["KM-1"]


async def test_nobody_is_named_and_posts_are_for_colleagues_alone(shelf: Shelf) -> None:
    await shelf.holds(published(validated_by=(person_id("ben"), "somebody-who-left")), KMConfirmedBy=3)
    said = await shelf.said()
    assert "Contributed by: Chief of Water (Belmora Country Office)" in said
    assert "Checked by: the knowledge focal point of the office" in said
    assert "Offices that found it still true: 3" in said
    wider = await shelf.said(reach=Reach.PUBLIC)
    assert "Chief of Water" not in wider and "colleagues of Belmora Country Office" in wider
    assert not any(name in said + wider for name in ("Paperboat", person_id("ann"), person_id("ben")))


async def test_the_day_it_was_published_is_told_where_it_is_known(shelf: Shelf) -> None:
    await shelf.holds(lesson(maturity=Maturity.VALIDATED))
    users.join_group(shelf.here.m365.state, "Knowledge reviewers", person_id("eve"))
    app = shelf.app
    desk = LifeDesk(graph=app.graph, db=app.db, jobs=app.jobs, settings=app.settings)
    eve = Reader(person_id=person_id("eve"), office="CO-ARD")
    with pytest.raises(InputRefused, match="No item that is asked for may be in a volume"):
        await shelf.builds()
    await life.make(desk, "KM-1", Wanted(move=Move.PUBLISH, reader=eve), at=NOW)
    assert "Published: 2 March 2026" in await shelf.said()


async def test_only_what_is_asked_for_is_in_it_and_an_unknown_facet_is_refused(shelf: Shelf) -> None:
    await shelf.holds(published())
    await shelf.holds(published("KM-2", office="CO-ARD", maturity=Maturity.VALIDATED))
    built = await shelf.builds(only=("office=CO-B*", "kind=lesson learned"), year=2026)
    assert ([piece.item.id for piece in built.volume.pieces], built.volume.left_out) == (["KM-1"], ())
    (left,) = (await shelf.builds()).volume.left_out
    assert (left.id, left.why) == ("KM-2", Why.NOT_PUBLISHED)
    for asked in ({"by": "colour"}, {"only": ("colour=red",)}, {"only": ("office",)}):
        with pytest.raises(InputRefused):
            await shelf.builds(**asked)
