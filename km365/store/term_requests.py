"""Requests for terms: one row a wish, and one for each person who has it."""

from collections.abc import Mapping
from datetime import datetime

from sqlalchemy import Connection, Select, func, select, update

from km365.core.term_requests import Ask, Request, RequestState, Wish
from km365.errors import ChangedMeanwhile, NotFound
from km365.store import rows
from km365.store.tables import example, feedback, term_ask, term_request


def add(c: Connection, wish: Wish, ask: Ask, *, new_id: str) -> Request:
    """The open request for this wish, the person's ask with it: theirs is kept once, as they said it last.

    Where there is none, it is made under `new_id`.
    """
    query = _requests().where(
        (term_request.c.facet == wish.facet)
        & (term_request.c.reads == wish.reads)
        & (term_request.c.state == RequestState.OPEN)
    )
    row = c.execute(query).first()
    if row is None:
        values = {
            "id": new_id,
            "facet": wish.facet,
            "label": wish.label,
            "reads": wish.reads,
            "language": wish.language,
            "broader": wish.broader,
            "state": RequestState.OPEN,
            "reason": "",
            "asked_at": ask.at,
        }
        c.execute(term_request.insert().values(**values))
        row = c.execute(query).one()
    found = _request(row._mapping)
    rows.put(
        c,
        term_ask,
        {
            "request_id": found.id,
            "who": ask.who,
            "because": ask.because,
            "language": ask.language,
            "at": ask.at,
        },
    )
    return found


def get(c: Connection, request_id: str) -> Request:
    """The request; NotFound names the id."""
    row = c.execute(_requests().where(term_request.c.id == request_id)).first()
    if row is None:
        raise NotFound(f"There is no request {request_id!r}; `km365 taxonomy request list` shows them.")
    return _request(row._mapping)


def list_(c: Connection, *, state: RequestState | None = RequestState.OPEN) -> list[Request]:
    """The requests in that state, or all, the oldest first."""
    query = _requests().order_by(term_request.c.asked_at, term_request.c.id)
    if state is not None:
        query = query.where(term_request.c.state == state)
    return [_request(row._mapping) for row in c.execute(query)]


def asks(c: Connection, request_id: str) -> list[Ask]:
    """Who asked and why ("" once that has expired), the first one first."""
    query = select(term_ask).where(term_ask.c.request_id == request_id)
    return [
        Ask(who=row.who, because=row.because, language=row.language, at=row.at)
        for row in c.execute(query.order_by(term_ask.c.at, term_ask.c.who))
    ]


def erase_reasons(c: Connection, *, asked_before: datetime) -> int:
    """Empties what people wrote before that moment, and counts it; that they asked stays."""
    old = (term_ask.c.at < asked_before) & (term_ask.c.because != "")
    return c.execute(update(term_ask).where(old).values(because="")).rowcount


def askers(c: Connection) -> Mapping[str, int]:
    """How many different people asked, by request."""
    query = select(term_ask.c.request_id, func.count()).group_by(term_ask.c.request_id)
    return {row[0]: row[1] for row in c.execute(query)}


def decide(
    c: Connection,
    request_id: str,
    state: RequestState,
    *,
    at: datetime,
    who: str,
    reason: str = "",
    concept_id: str | None = None,
) -> Request:
    """The request as it was decided, once. Raises ChangedMeanwhile where somebody decided it before."""
    mine = (term_request.c.id == request_id) & (term_request.c.state == RequestState.OPEN)
    values = {"state": state, "decided_at": at, "decided_by": who, "reason": reason, "concept_id": concept_id}
    if c.execute(update(term_request).where(mine).values(**values)).rowcount != 1:
        before = get(c, request_id)
        raise ChangedMeanwhile(f"The request {request_id} is {before.state} already.")
    return get(c, request_id)


def spoken_of(c: Connection, wishes: Mapping[str, tuple[str, ...]]) -> dict[str, tuple[int, int]]:
    """How many judged documents use each wish's words, and how many corrections of tags do, by request id.

    `wishes` are the stems of the labels (`core.text.key`).
    """
    found = {request_id: [0, 0] for request_id in wishes}
    for row in c.execute(select(example.c.words, example.c.phrases)):
        for request_id, stems in wishes.items():
            said = " ".join(stems)
            found[request_id][0] += said in row.phrases or (len(stems) == 1 and said in row.words)
    labels = {" ".join(stems): request_id for request_id, stems in wishes.items()}
    for row in c.execute(select(feedback.c.words)):
        for request_id in {labels[one] for one in map(_reads, row.words) if one in labels}:
            found[request_id][1] += 1
    return {request_id: (documents, said) for request_id, (documents, said) in found.items()}


def _reads(text: str) -> str:
    return Wish(label=text, facet="", language="").reads


def _requests() -> Select[tuple[object, ...]]:
    return select(term_request)


def _request(row: rows.Row) -> Request:
    return Request(
        id=row["id"],
        wish=Wish(label=row["label"], facet=row["facet"], language=row["language"], broader=row["broader"]),
        state=RequestState(row["state"]),
        asked_at=row["asked_at"],
        decided_at=row["decided_at"],
        reason=row["reason"],
        concept_id=row["concept_id"],
    )
