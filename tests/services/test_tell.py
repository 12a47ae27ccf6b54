"""A linked document is told of only where it lies on a site whose documents the person may find."""

import pytest

from km365.services.tell import _site_of
from km365.settings import Settings

HOST = "childrensagency.sharepoint.example"


@pytest.mark.parametrize(
    ("address", "site"),
    [
        (f"https://{HOST}/sites/co-bel/Docs/x.docx", f"{HOST}:/sites/co-bel"),
        (f"https://{HOST.upper()}/Sites/CO-BEL/Docs/x.docx", f"{HOST}:/sites/co-bel"),
        (f"https://{HOST}/sites/co-ard/Docs/sites/co-bel/x.docx", f"{HOST}:/sites/co-ard"),
        (f"https://{HOST}/sites/secret/Docs/sites/co-bel/x.docx", ""),
        (f"https://{HOST}/sites/co-bel-secret/x.docx", ""),
        ("https://elsewhere.example/sites/co-bel/x.docx", ""),
    ],
)
def test_the_site_of_a_document_is_where_its_address_begins(address: str, site: str) -> None:
    assert _site_of(Settings(), address, root=f"https://{HOST}") == site
