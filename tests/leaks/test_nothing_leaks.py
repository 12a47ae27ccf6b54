"""No answer is found outside its audience, wherever it is looked for, from the first word to the last."""

from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace

from km365_bots import web
from km365_flows import notifications

from km365.core.audience import Audience
from km365.graph import drives, sites
from km365.store.tables import metadata

from ..cli.test_command_line import commands
from ..conftest import Provisioned, sign_in_name
from ..journeys.product import Chat, until
from ..journeys.reading import text_of_office_file
from .leaving import SIX_MONTHS, Mark, Product, marks, newest
from .looking import Look
from .stores import ANSWERS, COMMANDS, DOORS, ITEMS, NOTHING, PAGES, TYPED

EVERYONE, OFFICE, CLOSE, ALONE, NEVER = Audience
EXPIRED = timedelta(days=366)


async def test_every_table_command_and_route_says_what_it_may_hold(provisioned: Provisioned) -> None:
    assert {*metadata.tables, "km_version"} == {*ANSWERS, *ITEMS, *NOTHING}
    assert {name for name, _ in commands()} == {*COMMANDS}
    served = (
        web.application(SimpleNamespace(open_to_all=False), None),  # type: ignore[arg-type]
        notifications.application(provisioned.app),
    )
    routes = {one.canonical for app in served for one in app.router.resources()}
    assert routes == {*PAGES, *DOORS}


async def test_no_answer_is_found_outside_its_audience_from_the_first_word_to_the_last(
    product: Product, tmp_path: Path
) -> None:
    look = Look(product, tmp_path)
    await product.leaves("ann", after=SIX_MONTHS, KMSuccessor=sign_in_name("sue"), KMOffice="CO-BEL")
    await product.leaves("eve", after=timedelta(weeks=6), KMOffice="CO-ARD")
    for letter in (EVERYONE, OFFICE, CLOSE, ALONE):
        word = f"zarqitem{letter.lower()}"
        await product.writes(Mark(word=word, author="ann", question="", audience=letter, item=f"KM-{letter}"))
    await product.runs("scan", "prompts")

    await product.answers(marks("ann", first="a", count=36))
    await product.answers(marks("eve", first="e", count=36), most=6)
    look.everywhere("answered")
    look.holds("km_answer", (m for m in product.marks.values() if m.audience is not NEVER and not m.item))

    narrowed = next(m for m in product.of("ann", CLOSE) if not m.item)
    await product.does("ann", lambda chat: _narrow(chat, narrowed))
    product.becomes(narrowed.word, audience=ALONE)
    look.everywhere("narrowed")

    named = [m.word for m in product.of("ann", ALONE) if not m.item]
    await product.does("ann", lambda chat: _names(chat, "ben", "eve"))
    await product.does("ann", lambda chat: _says(chat, f"named readers: {sign_in_name('eve')}", "Done."))
    await product.does("eve", lambda chat: _names(chat, "ben"))
    for person in ("ben", "eve"):
        await product.asks(person, *TYPED)
    look.everywhere("named, and one of them taken away")

    await product.does("eve", lambda chat: _withdraw(chat))
    product.becomes(*(m.word for m in product.of("eve")), kept=False)
    look.everywhere("withdrawn")

    await product.does("ann", lambda chat: _sends(chat))
    product.becomes(*named, named=frozenset({"eve"}))
    look.everywhere("filed")
    assert {*named} <= product.chats()["eve"], "who is named is shown what was left for them"
    assert product.words_in(await _note(product)) == {
        m.word for m in product.of("ann", EVERYONE, OFFICE, CLOSE) if not m.item
    }

    assert (await product.km365("search", "index")).code == 0
    for person in ("ben", "eve", "sam", "sue"):  # the supervisor reads the note before the successor gets it
        await product.asks(person, *TYPED)
        await product.runs("handover")
    look.everywhere("asked for in the chat")
    close = {mark.word for mark in product.of("ann", CLOSE) if not mark.item}
    assert close & product.chats()["sue"], "the successor is shown what is for them"
    await look.commands()
    await look.pages()
    look.everywhere("read")
    await product.runs("tidy")
    look.everywhere("copied")

    await product.passes(EXPIRED)
    await product.runs("tidy")
    look.everywhere("expired", answers=False)
    await product.does("eve", lambda chat: _says(chat, "what was left for me", "It has expired"))
    await product.does("ann", lambda chat: _says(chat, "named readers: nobody", "Nobody is named any more"))
    await product.does("eve", lambda chat: _says(chat, "what was left for me", "Nothing was left for you."))
    look.everywhere("taken away", answers=False)

    erased = await product.km365("handover", "erase", sign_in_name("ann"), "--apply", "--json")
    assert erased.code in {0, 3}, erased.err
    look.everywhere("erased", answers=False)


def _narrow(chat: Chat, mark: Mark) -> None:
    """From the draft back to one answer, to be read by nobody else."""
    newest(chat).press(chat, "change", change=mark.question)
    card = newest(chat)
    card.press(chat, "answer", answer=mark.text, audience=ALONE.value)
    while "approve" not in newest(chat).buttons:
        pass


def _says(chat: Chat, text: str, wanted: str) -> None:
    """Types it, and hears that."""
    before = len(chat.messages)
    chat.says(text)
    until(lambda: wanted in str(chat.messages[before:]))


def _names(chat: Chat, *readers: str) -> None:
    """Names these as readers, and says yes to it."""
    _says(chat, f"named readers: {', '.join(sign_in_name(one) for one in readers)}", "cannot be called back")
    _says(chat, "yes", "Done. Answers for named readers are read by")


def _sends(chat: Chat) -> None:
    """The draft, shown once more, is sent."""
    while "approve" not in (card := newest(chat)).buttons:
        pass
    card.press(chat, "approve")


def _withdraw(chat: Chat) -> None:
    chat.says("withdraw")
    while "agree" not in (card := newest(chat)).buttons:
        pass
    card.press(chat, "agree")


async def _note(product: Product) -> str:
    graph = product.here.app.graph
    site = await sites.get_site(graph, product.here.app.settings.knowledge_site)
    library = await drives.get_drive(graph, site.id, "Handover notes")
    (file,) = [one async for one in drives.list_files(graph, library.id)]
    return text_of_office_file(await drives.download(graph, file.drive_id, file.id, limit_bytes=10**7))
