"""Libraries by the site that a person names."""

import pytest

from km365.core.site_addresses import site_address
from km365.errors import GraphNotFound
from km365.services.tag_libraries import find_libraries

from ..conftest import BELMORA, KNOWLEDGE, Provisioned


@pytest.mark.parametrize(
    ("said", "meant"),
    [
        (BELMORA, BELMORA),
        ("https://childrensagency.sharepoint.example/sites/co-bel", BELMORA),
        (
            "https://childrensagency.sharepoint.example/sites/co-bel/Shared%20Documents/Forms/All.aspx",
            BELMORA,
        ),
        (
            "https://childrensagency.sharepoint.example:443/:f:/r/sites/co-bel/Shared%20Documents?csf=1",
            BELMORA,
        ),
        (
            "https://childrensagency.sharepoint.example/teams/a%20b/",
            "childrensagency.sharepoint.example:/teams/a b",
        ),
        ("https://childrensagency.sharepoint.example/", "childrensagency.sharepoint.example:/"),
    ],
)
def test_a_site_may_be_named_by_what_the_browser_shows(said: str, meant: str) -> None:
    assert site_address(said) == meant


async def test_a_site_that_is_not_there_names_those_called_nearly_so(provisioned: Provisioned) -> None:
    app = provisioned.app
    by_address = await find_libraries(
        app.graph, [f"https://{BELMORA.replace(':', '')}"], "Documents", settings=app.settings
    )
    assert [one.site for one in by_address] == [BELMORA]
    shown = "http://127.0.0.1:3979/sites/CO-BEL/Shared%20Documents"
    as_shown_here = await find_libraries(app.graph, [shown], "Documents", settings=app.settings)
    assert [one.site for one in as_shown_here] == [BELMORA]
    with pytest.raises(GraphNotFound, match=f"called nearly so: {BELMORA}"):
        await find_libraries(app.graph, [f"{BELMORA}l"], "Documents", settings=app.settings)


@pytest.mark.parametrize(("site", "list_name"), [(BELMORA, ""), (KNOWLEDGE, "Knowledge")])
async def test_a_site_that_is_named_twice_counts_once(
    provisioned: Provisioned, site: str, list_name: str
) -> None:
    app = provisioned.app
    shown = f"https://{site.replace(':', '')}"
    named = [site, site, shown, site.upper().replace("/SITES/", "/sites/")]
    found = await find_libraries(app.graph, named, "Documents", list_name=list_name, settings=app.settings)
    assert [one.site for one in found] == [site]
