"""Documents of one's own on the page of a library, as dropped into SharePoint, to try things with."""

from collections.abc import AsyncIterator
from pathlib import PurePosixPath

from aiohttp import BodyPartReader, MultipartReader, hdrs, web

from km365.local import blobs, files, lists, webpages
from km365.local.pages import ROOT, Place, folder_page, place
from km365.local.routes import GraphFault, pages
from km365.local.server import M365, M365_KEY
from km365.local.state import State
from km365.local.uploads import LARGEST_PUT

BY = {"application": {"displayName": "SharePoint"}}


async def _add(http: web.Request) -> web.Response:
    """The page again, with the files that were sent to it; one of a name that is there is a new version."""
    webpages.require_own_page(http)
    state = http.app[M365_KEY].state
    where = _folder(state, http.match_info["path"])
    if not http.content_type.startswith("multipart/form-data"):
        raise web.HTTPUnsupportedMediaType(text="Files come as multipart/form-data.")
    try:
        refused = [one async for one in _kept(state, where, await http.multipart())]
    except ValueError as error:
        raise web.HTTPBadRequest(text=f"This is no whole form ({error}).") from None
    if refused:
        return folder_page(http, state, where, refused=refused)
    raise web.HTTPSeeOther(http.path_qs)


async def _kept(state: State, where: Place, form: MultipartReader) -> AsyncIterator[tuple[str, str]]:
    """Keeps the files of a form; the names of those that cannot be kept, each with Graph's code for why."""
    async for part in form:
        if not isinstance(part, BodyPartReader) or not part.filename:
            continue  # no file was chosen
        name = PurePosixPath(part.filename.replace("\\", "/")).name
        try:
            files.check_name(name)
            _keep(state, where, name, await _content(state, part))
        except GraphFault as fault:
            yield name, fault.code


def _folder(state: State, path: str) -> Place:
    """The library or folder at this address. Raises 404, and 405 for what takes no files."""
    try:
        found = place(state, path)
    except GraphFault:
        raise web.HTTPNotFound from None
    is_library = found.library is not None and found.library["template"] == lists.LIBRARY
    if not is_library or (found.item is not None and found.item["kind"] != "folder"):
        raise web.HTTPMethodNotAllowed("POST", [hdrs.METH_GET])
    return found


async def _content(state: State, part: BodyPartReader) -> str:
    """The content of a file, kept piece by piece as it arrives. Raises 413."""
    blob = blobs.create(state)
    while piece := await part.read_chunk(blobs.PIECE):
        blobs.append(state, blob, piece)
        if blobs.size(state, blob) > LARGEST_PUT:
            blobs.cut(state, blob, 0)
            await part.release()  # the files behind it are still wanted
            raise GraphFault(413, "requestEntityTooLarge", "The file is larger than 250 MB.")
    return blob


def _keep(state: State, where: Place, name: str, blob: str) -> None:
    """The content as the file of this name. Raises 409 where a folder has it."""
    assert where.library is not None  # noqa: S101 - `_folder` has seen to it
    list_id = where.library["id"]
    there = files.named(state, list_id, where.item, name)
    if there is None:
        files.add_file(state, list_id, where.item, name, blob, by=BY)
    elif there["kind"] == "file":
        files.replace_content(state, there, blob, by=BY)
    else:
        raise GraphFault(409, "nameAlreadyExists", "A folder has this name.")


@pages
def _uploads(app: web.Application, _: M365) -> None:
    app.router.add_post(ROOT + "/{path:.*}", _add)
