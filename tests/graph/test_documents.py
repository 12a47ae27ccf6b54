"""Files with their columns, over HTTP against the local server."""

import pytest

from km365.errors import Forbidden, GraphNotFound
from km365.graph import documents, drives, sites

from ..conftest import Provisioned


async def test_a_document_and_its_folder_are_read_by_their_addresses(provisioned: Provisioned) -> None:
    graph = provisioned.app.graph
    site = await sites.get_site(graph, provisioned.app.settings.knowledge_site)
    library = (await drives.list_drives(graph, site.id))[0]
    stored = await drives.upload(graph, library.id, "2026/Cold chain.docx", b"x")
    await drives.update_fields(graph, library.id, stored.id, {"Title": "How the cold chain held"})
    found = await documents.get_shared(graph, stored.web_url)
    assert found.file.id == stored.id
    assert found.item is not None and found.item.fields["Title"] == "How the cold chain held"
    folder = await documents.get_shared(graph, stored.web_url.rpartition("/")[0])
    assert folder.file.name == "2026"
    assert (await documents.get_at(graph, library.id, "2026")).file == folder.file
    with pytest.raises(Forbidden):
        await documents.get_shared(graph, f"{stored.web_url}x")
    with pytest.raises(GraphNotFound):
        await documents.get_at(graph, library.id, "2027")
