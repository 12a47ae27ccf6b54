"""Journey 2: a colleague leaves; the handover note is theirs until they say yes, and keeps to its circle."""

import random
import re
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from .conftest import Colleague, Sit
from .product import Chat, Up, tables_that_hold, until
from .reading import text_of_office_file

ROLE = "Le poste pilote désormais quarante-trois écoles satellites, bien au-delà de la fiche de poste."
WORK = "Le manuel de lecture : la maquette attend l'accord du ministère, que suit la directrice adjointe."
PROMISES = "J'ai promis à l'école de Roc-aux-Grues un toit avant les pluies ; confidence ardoise-7431."
UNKEPT = "Une rancune ancienne entre deux services, à ne garder nulle part ; confidence ardoise-9952."
DEADLINES = "La convention radio expire en mars, et seul mon agenda le rappelle encore aujourd'hui."
PROUD = "Les mères lectrices ont tenu cent veillées, parce que chaque village a choisi son heure."
BETTER = "Le poste pilote désormais quarante-deux écoles satellites, avec trois inspecteurs itinérants."


@pytest.mark.browser
def test_a_leaver_reads_the_note_first_and_it_keeps_to_its_circle(up: Up, sit: Sit, tmp_path: Path) -> None:
    oumar = sit("Oumar Boisplume")
    until(lambda: up.ours("SELECT campaign_id FROM km_handover_facts"))
    oumar.says("Interrogez-moi aussi sur le résultat dont je tire fierté")  # a lesson of his tells it already
    oumar.hears("tirez-vous le plus de fierté")
    oumar.presses("Commencer")
    oumar.is_asked("Avant de commencer")
    oumar.says(ROLE)
    oumar.hears("Je n'ai pas gardé cela")
    oumar.reads_last("Avant de commencer")  # anew, below that
    assert up.ours("SELECT * FROM km_answer") == [], "nothing is kept before the consent"
    oumar.presses("J'accepte")
    for progress, answer in (("1 sur 12", ROLE), ("2 sur 12", None), ("3 sur 12", WORK)):
        _answers(oumar, progress, answer)
    _answers(oumar, "4 sur 12", PROMISES, readers="personne d'autre que vous, pour l'instant")
    _answers(oumar, "5 sur 12", DEADLINES)
    _answers(oumar, "6 sur 12", UNKEPT, readers="personne ; ne pas le garder")
    oumar.is_asked("Continuer")
    oumar.presses("Continuer")
    for progress in ("7 sur 12", "8 sur 12", "9 sur 12"):
        _answers(oumar, progress, None)
    _answers(oumar, "10 sur 12", PROUD)
    for progress in ("11 sur 12", "12 sur 12"):
        _answers(oumar, progress, None)

    oumar.is_asked("Votre note de passation")
    oumar.is_asked("Réponses qui restent à vous et n'y figurent pas")
    oumar.card.get_by_role("radio", name="Ce que le poste est devenu").check()
    oumar.presses("Modifier")
    oumar.is_asked("Qu'est devenu ce poste")
    oumar.writes(BETTER)
    oumar.presses("Envoyer la réponse")
    oumar.is_asked(BETTER)
    assert not up.graph(f"{_notes(up)}/children")["value"], "nobody has the note before the leaver's yes"
    oumar.presses(re.compile("^C'est juste"))
    oumar.hears("Votre note de passation est dans la bibliothèque Handover notes")

    oumar.page.goto(f"{up.base}/sharepoint/sites/knowledge")
    oumar.page.get_by_role("link", name="Handover notes").first.click()
    oumar.page.get_by_role("link", name="Chef de l'éducation").first.click()
    with oumar.page.expect_download() as downloading:
        oumar.page.get_by_role("link", name="Download").first.click()
    downloading.value.save_as(tmp_path / "note.docx")
    note = text_of_office_file((tmp_path / "note.docx").read_bytes())
    for text in ("Oumar Boisplume", "Aïcha Lunebleue", "Maëlle Grandsable", BETTER, WORK, DEADLINES):
        assert text in note
    assert ROLE not in note
    assert "ardoise" not in note

    listed = {one["post"]: one for one in up.json("handover", "list")}
    assert listed["Chef de l'éducation"]["state"] == "filed"
    own = ("lesson", "list", "--maturity", "in review", "--as", "oumar.boisplume@childrensagency.example")
    assert until(lambda: [one for one in up.json(*own) if one["item"]["description"] == PROUD])

    named, unkept = tables_that_hold(up.home, "ardoise-7431", "ardoise-9952")
    assert named == {"km_answer", "chat_activity"}
    assert unkept == {"chat_activity"}, "only the chat shows what is not to be kept"
    ((chats, chat),) = up.theirs(
        "SELECT COUNT(DISTINCT chat), MAX(chat) FROM chat_activity WHERE activity LIKE '%ardoise%'"
    )
    assert (chats, Chat(up, "Oumar Boisplume").id in chat) == (1, True), "nobody else's chat holds it"
    assert "ardoise" not in "\n".join(up.lines)
    for page in ("/sharepoint", "/sharepoint/sites/knowledge", "/sharepoint/journal"):
        assert "ardoise" not in up.page(page)


def test_a_leaver_who_declines_is_left_alone_and_may_come_back(up: Up) -> None:
    ruth = Chat(up, "Ruth Cloudharrow")
    until(lambda: "Handing over well" in ruth.said)
    ruth.presses("start", about="Handing over well")
    ruth.hears("Before we start")
    ruth.presses("decline")
    until(lambda: _state(up, ruth) == "declined")
    assert _kept(up, ruth) == []
    said = len(ruth.messages)
    up.km365("flow", "run", "scan")
    up.km365("flow", "run", "prompts")
    assert len(ruth.messages) == said
    ruth.says("start")
    ruth.hears("Before we start")
    assert _kept(up, ruth) == []


def test_no_answer_is_lost_doubled_or_asked_for_again_whenever_the_product_is_killed(
    new_home: Callable[[], Path],
) -> None:
    up = Up(new_home())
    try:
        up.start()
        ruth = Chat(up, "Ruth Cloudharrow")
        ruth.presses("start", about="Handing over well")
        ruth.hears("Before we start")
        ruth.presses("agree")
        kills = set(random.sample(range(12), 6))
        given = [
            f"Answer {n}: key {random.randrange(10**6)} hangs behind the map, on a nail." for n in range(12)
        ]
        for number, answer in enumerate(given):
            _asks(ruth, number + 1)
            ruth.says(answer)
            if number in kills:
                time.sleep(random.uniform(0, 0.25))
                up.kill()
                up.start()
        _asks(ruth, 13)
        ruth.says("show my draft")
        _goes_on(ruth, lambda: "Your handover note" in ruth.said)
        assert [value for _, value in _kept(up, ruth)] == given
        assert len(ruth.questions) == len(set(ruth.questions)) == 13
        assert up.ours("SELECT COUNT(*) FROM km_interview WHERE person_id = ?", ruth.id) == [(1,)]
        ruth.presses("approve")
        until(lambda: _state(up, ruth) == "finished")
        assert len(until(lambda: up.graph(f"{_notes(up)}/children")["value"])) == 1
    finally:
        up.close()


def _answers(who: Colleague, progress: str, text: str | None, *, readers: str = "") -> None:
    """Answer the question on the card, or skip it."""
    who.is_asked(progress)
    if text is None:
        who.presses("Passer")
        return
    who.writes(text)
    if readers:
        who.card.get_by_label("Qui peut lire cette réponse").select_option(readers)
    who.presses("Envoyer la réponse")


def _asks(who: Chat, number: int) -> None:
    """Waits for the question of that number, and goes on at once where a sitting ends before it."""
    asked = f"{number} of "
    _goes_on(who, lambda: who.progress.startswith(asked) or (number > 1 and who.offers("start")))
    if not who.progress.startswith(asked):
        who.says("continue")
        _goes_on(who, lambda: who.progress.startswith(asked))


def _goes_on(who: Chat, seen: Callable[[], bool]) -> None:
    """Waits; what was just being said when the product was killed is not said again, but shown when asked."""
    try:
        until(seen, seconds=20)
    except AssertionError:
        who.says("help")
        until(seen)


def _kept(up: Up, who: Chat) -> list[tuple[str, str]]:
    sql = (
        "SELECT question_id, value FROM km_answer JOIN km_interview ON id = interview_id"
        " WHERE person_id = ? AND bank_id = 'handover' ORDER BY position"
    )
    return up.ours(sql, who.id)


def _state(up: Up, who: Chat) -> str:
    sql = "SELECT state FROM km_interview WHERE person_id = ? AND bank_id = 'handover'"
    return str(up.ours(sql, who.id)[0][0])


def _notes(up: Up) -> str:
    """The restricted library's root, as a Graph path."""
    site = up.graph("/sites/childrensagency.sharepoint.example:/sites/knowledge")["id"]
    drives = up.graph(f"/sites/{site}/drives")["value"]
    return f"/drives/{next(one['id'] for one in drives if one['name'] == 'Handover notes')}/root"
