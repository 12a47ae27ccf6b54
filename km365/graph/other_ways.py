"""The documented other ways to write a column, where a PATCH of its note field does not do.

Check-out first where a library asks for it; SharePoint's own REST (ValidateUpdateListItem) where a value did
not stick (graph/FACTS §1; PJS#719, sp-dev-fx-controls-react#1488). Each is tried once, for one item.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

from km365.errors import GraphError, GraphUnreachable, Locked, NotStored, StillCheckedOut, Throttled
from km365.graph.batch import BatchRequest
from km365.graph.client import Graph
from km365.graph.wire import Json, part, segment, text

R = TypeVar("R")

COMMENT = "Tagged by km365"
"""What a check-in says."""


@dataclass(frozen=True, kw_only=True)
class Place:
    """The list an item is in: SharePoint's REST wants it by name where Graph takes a drive item."""

    site_id: str
    list_id: str


# Checked out ---------------------------------------------------------------------------------------------


async def while_checked_out(graph: Graph, file: str, work: Callable[[], Awaitable[R]]) -> R:
    """What `work` returns, done while we hold the file's check-out, which others see only at its end.

    `file` is the drive item's path. Raises Locked where somebody holds it or has it open; what `work` or the
    check-in raises is raised after the check-out was discarded, StillCheckedOut where even that is refused.
    5 resource units.
    """
    raw = await graph.get(file, params={"$select": "id,publication"})
    if part(raw, "publication").get("level") == "checkout":
        raise Locked("A file is checked out by somebody; it can be tagged once they have checked it in.")
    await graph.post(f"{file}/checkout")
    try:
        done = await work()
        await _check_in(graph, file)
    except BaseException:
        await _discard(graph, file)
        raise
    return done


async def _check_in(graph: Graph, file: str) -> None:
    try:
        await graph.post(f"{file}/checkin", {"comment": COMMENT})
    except (GraphUnreachable, Throttled, Locked):
        raise
    except GraphError as refusal:
        raise GraphError(
            "The library refuses to have the file checked in, perhaps because a required column is empty; "
            f"its terms were not written. {refusal}",
            status=refusal.status,
            code=refusal.code,
            request_id=refusal.request_id,
        ) from None


async def _discard(graph: Graph, file: str) -> None:
    try:
        await graph.post(f"{file}/discardCheckout")
    except (GraphUnreachable, Throttled):
        raise
    except GraphError as refusal:
        raise StillCheckedOut(
            f"A file that we checked out can be neither checked in nor given up. {refusal}",
            status=refusal.status,
            code=refusal.code,
            request_id=refusal.request_id,
        ) from None


async def check_in_ours(graph: Graph, files: Sequence[str]) -> set[str]:
    """Checks in the files that an app holds, as after a crash, and returns those that stay checked out by us.

    SharePoint lets us check in our own only. Where the library refuses that, what was written is given up.
    1 resource unit a file, twenty a call.
    """
    kept = set()
    asked = [
        BatchRequest(id=str(number), method="GET", path=file, params={"$select": "id,publication"})
        for number, file in enumerate(files)
    ]
    for answer in await graph.batch(asked):
        holder = part(answer.body, "publication", "checkedOutBy", "application")
        if not holder:
            continue
        file = files[int(answer.id)]
        try:
            await _free(graph, file)
        except StillCheckedOut:
            kept.add(file)
    return kept


async def _free(graph: Graph, file: str) -> None:
    try:
        await _check_in(graph, file)
    except Locked:
        return  # another app's; writing to it will say so
    except (GraphUnreachable, Throttled):
        raise
    except GraphError:
        await _discard(graph, file)


# SharePoint's REST ---------------------------------------------------------------------------------------


async def validate_update(graph: Graph, place: Place, item_id: str, values: Mapping[str, str]) -> None:
    """Writes the visible columns through ValidateUpdateListItem; `values` as `Label|guid;`, "" clears.

    It knows no ETag: read the item just before. Raises NotStored naming the columns it refuses, Forbidden
    where the app has no certificate (SharePoint's REST takes no secret) or lacks Sites.Selected write.
    """
    site = text(
        (await graph.get(f"/sites/{segment(place.site_id)}", params={"$select": "webUrl"})).get("webUrl")
    )
    address = (
        f"{site}/_api/web/lists(guid'{segment(place.list_id)}')/items({int(item_id)})/ValidateUpdateListItem"
    )
    form = [{"FieldName": name, "FieldValue": value} for name, value in values.items()]
    answer = await graph.rest(address, {"formValues": form, "bNewDocumentUpdate": False})
    refused = [text(one.get("FieldName")) for one in _results(answer) if one.get("HasException")]
    if refused:
        raise NotStored(
            f"SharePoint refuses the value of {', '.join(refused)}.", status=200, code=",".join(refused)
        )


async def note_ids(graph: Graph, place: Place) -> dict[str, str]:
    """The id of the hidden note field of each managed-metadata column, by the column's internal name.

    Graph does not tell it, and the twin's display name is a guess once a column was renamed. Raises as
    `validate_update`.
    """
    address = f"{await _address(graph, place)}/fields?$select=InternalName,TextField,TypeAsString"
    listed = (await graph.rest(address)).get("value")
    return {
        text(one.get("InternalName")): text(one.get("TextField")).lower()
        for one in listed or []
        if isinstance(one, dict) and text(one.get("TypeAsString")).startswith("TaxonomyFieldType")
    }


async def _address(graph: Graph, place: Place) -> str:
    """Where SharePoint's REST has the list."""
    site = await graph.get(f"/sites/{segment(place.site_id)}", params={"$select": "webUrl"})
    return f"{text(site.get('webUrl')).rstrip('/')}/_api/web/lists(guid'{segment(place.list_id)}')"


def _results(answer: Json) -> list[Json]:
    """The result of each field; older answers wrap them."""
    listed = answer.get("value")
    if listed is None:
        listed = part(answer, "d", "ValidateUpdateListItem").get("results")
    return [one for one in listed or [] if isinstance(one, dict)]
