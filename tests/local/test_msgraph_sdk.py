"""msgraph-sdk itself, pointed at the server: its typed answers parse."""

import pytest
from kiota_abstractions.base_request_configuration import RequestConfiguration
from msgraph.generated.models.choice_column import ChoiceColumn
from msgraph.generated.models.column_definition import ColumnDefinition
from msgraph.generated.models.field_value_set import FieldValueSet
from msgraph.generated.models.list_ import List_
from msgraph.generated.models.list_info import ListInfo
from msgraph.generated.models.list_item import ListItem
from msgraph.generated.models.o_data_errors.o_data_error import ODataError
from msgraph.generated.models.text_column import TextColumn
from msgraph.generated.sites.item.lists.item.items.items_request_builder import ItemsRequestBuilder
from msgraph.generated.sites.sites_request_builder import SitesRequestBuilder

from km365.local import sites

pytestmark = pytest.mark.local_only


KINDS = ["lesson", "practice"]


async def make_list(sdk, site):
    return await sdk.sites.by_site_id(site).lists.post(
        List_(
            display_name="Lessons",
            list_=ListInfo(template="genericList"),
            columns=[
                ColumnDefinition(
                    name="KMKind", choice=ChoiceColumn(choices=["lesson", "practice"]), indexed=True
                ),
                ColumnDefinition(name="KMNote", text=TextColumn(allow_multiple_lines=True)),
            ],
        )
    )


async def test_sites_are_listed_found_by_address_and_typed(sdk, site):
    config = RequestConfiguration(
        query_parameters=SitesRequestBuilder.SitesRequestBuilderGetQueryParameters(search="*")
    )
    found = await sdk.sites.get(config)
    assert {s.display_name for s in found.value} == {"Communication site", "Knowledge"}
    by_address = await sdk.sites.by_site_id(f"{sites.HOST}:/sites/knowledge:").get()
    assert by_address.id == site
    assert by_address.created_date_time.tzinfo is not None


async def test_a_list_is_created_with_columns_and_its_items_added_and_patched(sdk, site):
    made = await make_list(sdk, site)
    assert made.list_.template == "genericList"
    address = sdk.sites.by_site_id(site).lists.by_list_id(made.id)
    columns = (await address.columns.get()).value
    assert "KMKind" in [c.name for c in columns]
    assert next(c for c in columns if c.name == "KMKind").choice.choices == KINDS
    fields = FieldValueSet(additional_data={"Title": "A lesson", "KMKind": "lesson"})
    item = await address.items.post(ListItem(fields=fields))
    config = RequestConfiguration()
    config.headers.add("If-Match", item.e_tag)
    change = FieldValueSet(additional_data={"KMNote": "with a note"})
    kept = await address.items.by_list_item_id(item.id).fields.patch(change, config)
    assert kept.additional_data["KMNote"] == "with a note"
    with pytest.raises(ODataError) as caught:
        await address.items.by_list_item_id(item.id).fields.patch(change, config)
    assert caught.value.response_status_code == 412
    assert caught.value.error.code == "preconditionFailed"
    assert caught.value.error.inner_error.request_id


async def test_items_are_filtered_and_paged_by_next_link(sdk, site):
    made = await make_list(sdk, site)
    address = sdk.sites.by_site_id(site).lists.by_list_id(made.id)
    for number in range(5):
        kind = "lesson" if number % 2 else "practice"
        fields = FieldValueSet(additional_data={"Title": f"t{number}", "KMKind": kind})
        await address.items.post(ListItem(fields=fields))
    parameters = ItemsRequestBuilder.ItemsRequestBuilderGetQueryParameters(
        expand=["fields"], filter="fields/KMKind eq 'practice'", top=2
    )
    page = await address.items.get(RequestConfiguration(query_parameters=parameters))
    titles = [i.fields.additional_data["Title"] for i in page.value]
    page = await address.items.with_url(page.odata_next_link).get()
    titles += [i.fields.additional_data["Title"] for i in page.value]
    assert (titles, page.odata_next_link) == (["t0", "t2", "t4"], None)


async def test_delta_pages_are_read_to_their_delta_link(sdk, site):
    made = await make_list(sdk, site)
    address = sdk.sites.by_site_id(site).lists.by_list_id(made.id)
    item = await address.items.post(ListItem(fields=FieldValueSet(additional_data={"Title": "A"})))
    page = await address.items.delta.get()
    link = page.additional_data.get("@odata.deltaLink") or page.odata_delta_link
    assert [i.id for i in page.value] == [item.id]
    await address.items.by_list_item_id(item.id).delete()
    changes = await address.items.delta.with_url(link).get()
    assert changes.value[0].deleted.state == "deleted"


async def test_a_throttled_call_is_tried_again_by_the_sdk(sdk, site, quirks):
    await quirks("next_requests", status=429, retry_after_s=0, times=2)
    assert (await sdk.sites.by_site_id(site).get()).display_name == "Knowledge"
