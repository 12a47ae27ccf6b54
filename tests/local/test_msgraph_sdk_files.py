"""msgraph-sdk itself on files, terms and people: its typed answers parse."""

from datetime import timedelta

import httpx
import pytest
from kiota_abstractions.base_request_configuration import RequestConfiguration
from msgraph.generated.drives.item.items.item.create_upload_session import (
    create_upload_session_post_request_body as upload,
)
from msgraph.generated.models.drive_item import DriveItem
from msgraph.generated.models.folder import Folder
from msgraph.generated.models.key_value import KeyValue
from msgraph.generated.models.o_data_errors.o_data_error import ODataError
from msgraph.generated.models.subscription import Subscription
from msgraph.generated.models.teams_app import TeamsApp
from msgraph.generated.models.term_store.group import Group
from msgraph.generated.models.term_store.localized_label import LocalizedLabel
from msgraph.generated.models.term_store.localized_name import LocalizedName
from msgraph.generated.models.term_store.set import Set
from msgraph.generated.models.term_store.term import Term
from msgraph.generated.models.user import User
from msgraph.generated.models.user_scope_teams_app_installation import UserScopeTeamsAppInstallation
from msgraph.generated.users.users_request_builder import UsersRequestBuilder

from km365.local import apps, lists, teams, users
from km365.local.state import stamp

pytestmark = pytest.mark.local_only


@pytest.fixture
def drive(m365, site, sdk):
    library = lists.create(m365.state, site, "Documents", template=lists.LIBRARY, name="Shared Documents")
    return sdk.drives.by_drive_id(library["drive_id"])


@pytest.fixture
def people(m365):
    """A chief and somebody who leaves in five days."""
    chief, ana = m365.state.stable_id("chief"), m365.state.stable_id("ana")
    leaves = stamp(m365.state.now() + timedelta(days=5))
    users.create(m365.state, id=chief, upn="chief@childrensagency.example", display_name="Chief")
    name = "ana@childrensagency.example"
    users.create(m365.state, id=ana, upn=name, display_name="Ana", manager=chief, leaves_at=leaves)
    return chief, ana


async def test_a_file_goes_up_and_comes_down(drive):
    made = await drive.items.by_drive_item_id("root:/Reviews/Mid-term é.docx:").content.put(b"PK" * 50)
    assert (made.name, made.size) == ("Mid-term é.docx", 100)
    assert await drive.items.by_drive_item_id(made.id).content.get() == b"PK" * 50
    assert (await drive.root.get()).folder.child_count == 1
    children = (await drive.items.by_drive_item_id("root:/Reviews:").children.get()).value
    assert [c.id for c in children] == [made.id]
    versions = (await drive.items.by_drive_item_id(made.id).versions.get()).value
    assert [v.id for v in versions] == ["1.0"]


async def test_a_large_file_goes_up_through_a_session(drive):
    item = drive.items.by_drive_item_id("root:/big.bin:")
    session = await item.create_upload_session.post(upload.CreateUploadSessionPostRequestBody())
    data = bytes(400 * 1024)
    async with httpx.AsyncClient() as plain:  # the SDK's own task sends the token along, which is refused
        for first, end in ((0, 320 * 1024), (320 * 1024, len(data))):
            spread = {"Content-Range": f"bytes {first}-{end - 1}/{len(data)}"}
            answer = await plain.put(session.upload_url, content=data[first:end], headers=spread)
    assert answer.status_code == 201
    assert (await item.get()).size == len(data)


async def test_folders_are_made_files_renamed_checked_out_and_deleted(drive):
    folder = DriveItem(name="Archive", folder=Folder())
    await drive.items.by_drive_item_id("root").children.post(folder)
    made = await drive.items.by_drive_item_id("root:/Archive/a.txt:").content.put(b"x")
    item = drive.items.by_drive_item_id(made.id)
    assert (await item.patch(DriveItem(name="b.txt"))).name == "b.txt"
    await item.checkout.post()
    await item.discard_checkout.post()
    assert (await item.list_item.get()).e_tag
    await item.delete()
    with pytest.raises(ODataError) as caught:
        await item.get()
    assert (caught.value.response_status_code, caught.value.error.code) == (404, "itemNotFound")


async def test_a_drive_is_followed_by_delta(drive):
    root = drive.items.by_drive_item_id("root")
    await drive.items.by_drive_item_id("root:/a.txt:").content.put(b"x")
    first = await root.delta.get()
    assert [i.name for i in first.value] == ["root", "a.txt"]
    await drive.items.by_drive_item_id("root:/a.txt:").delete()
    second = await root.delta.with_url(first.odata_delta_link).get()
    assert second.value[0].deleted.state == "deleted"


async def test_the_term_store_is_filled_and_walked(sdk, site):
    store = sdk.sites.by_site_id(site).term_store
    assert (await store.get()).default_language_tag == "en-US"
    group = await store.groups.post(Group(display_name="km365"))
    names = [LocalizedName(name="Topics", language_tag="en-US")]
    made = await store.sets.post(Set(parent_group=Group(id=group.id), localized_names=names))
    topics = store.sets.by_set_id(made.id)
    labels = [
        LocalizedLabel(name="Water", language_tag="en-US", is_default=True),
        LocalizedLabel(name="WASH", language_tag="en-US", is_default=False),
        LocalizedLabel(name="المياه", language_tag="ar-SA", is_default=True),
    ]
    keys = [KeyValue(key="km365.id", value="topic/water")]
    water = await topics.children.post(Term(labels=labels, properties=keys))
    below = [LocalizedLabel(name="Hand washing", language_tag="en-US", is_default=True)]
    await topics.terms.by_term_id(water.id).children.post(Term(labels=below))
    found = {}
    for term in (await topics.children.get()).value:
        children = (await topics.terms.by_term_id(term.id).children.get()).value
        found[term.labels[0].name] = [c.labels[0].name for c in children]
    assert found == {"Water": ["Hand washing"]}
    kept = await topics.terms.by_term_id(water.id).get()
    assert [x.name for x in kept.labels] == ["Water", "WASH", "المياه"]
    assert kept.properties[0].value == "topic/water"
    sets = (await store.groups.by_group_id(group.id).sets.get()).value
    assert [s.localized_names[0].name for s in sets] == ["Topics"]


async def test_people_their_manager_and_leave_date_are_typed(sdk, people):
    chief, ana = people
    manager = await sdk.users.by_user_id(ana).manager.get()
    assert isinstance(manager, User) and manager.id == chief
    parameters = UsersRequestBuilder.UsersRequestBuilderGetQueryParameters(
        select=["id", "employeeLeaveDateTime"], filter="employeeLeaveDateTime ge 2020-01-01T00:00:00Z"
    )
    (leaver,) = (await sdk.users.get(RequestConfiguration(query_parameters=parameters))).value
    assert leaver.id == ana and leaver.employee_leave_date_time.tzinfo is not None
    reports = (await sdk.users.by_user_id(chief).direct_reports.get()).value
    assert [r.id for r in reports] == [ana]


async def test_people_are_followed_by_delta(sdk, m365, people):
    _, ana = people
    first = await sdk.users.delta.get()
    assert len(first.value) == 2
    users.delete(m365.state, ana)
    second = await sdk.users.delta.with_url(first.odata_delta_link).get()
    assert [u.id for u in second.value] == [ana]
    assert second.value[0].additional_data["@removed"]
    deleted = await sdk.directory.deleted_items.graph_user.get()
    assert [u.id for u in deleted.value] == [ana]


async def test_the_bot_is_installed_and_its_chat_found(sdk, m365, people):
    _, ana = people
    app = apps.publish(m365.state, "manifest-id", "km365")
    installed = sdk.users.by_user_id(ana).teamwork.installed_apps
    bound = {"teamsApp@odata.bind": f"https://graph.microsoft.com/v1.0/appCatalogs/teamsApps/{app}"}
    await installed.post(UserScopeTeamsAppInstallation(additional_data=bound))
    (one,) = (await installed.get()).value
    chat = await installed.by_user_scope_teams_app_installation_id(one.id).chat.get()
    assert chat.id == teams.chat_id(ana)
    assert isinstance((await sdk.app_catalogs.teams_apps.get()).value[0], TeamsApp)


async def test_a_subscription_without_a_listener_is_refused(sdk, m365):
    ends = m365.state.now() + timedelta(days=1)
    wanted = Subscription(
        change_type="updated",
        notification_url="http://127.0.0.1:9/nobody",
        resource="users",
        expiration_date_time=ends,
    )
    with pytest.raises(ODataError) as caught:
        await sdk.subscriptions.post(wanted)
    assert caught.value.error.code == "ValidationError"
