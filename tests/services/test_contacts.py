"""Colleagues among the people that answers name, over HTTP against the local server."""

from km365.core.contacts import Contact, read
from km365.graph import people
from km365.local import users
from km365.services import contacts

from ..conftest import Provisioned, person_id, sign_in_name


async def recognised(provisioned: Provisioned, text: str) -> list[Contact]:
    return await contacts.recognise(provisioned.app.graph, read(text))


async def test_a_colleague_is_known_by_full_name_or_sign_in_name(provisioned: Provisioned) -> None:
    found = await recognised(
        provisioned,
        f"Ben Paperboat — tags\nSue (Water, {sign_in_name('sue')}): pipes\n"
        "Maria Lopez (UNDP): funds\nBen (WHO)",
    )
    assert [(one.name, one.post, one.office) for one in found] == [
        ("Ben Paperboat", "Focal point", "CO-BEL"),
        ("Sue", "Water Specialist", "CO-BEL"),
        ("Maria Lopez", "", ""),
        ("Ben", "", ""),
    ]
    assert found[0].person_id == person_id("ben")


async def test_a_line_that_is_only_a_sign_in_name_is_the_colleague_and_one_in_a_sentence_is_nobody(
    provisioned: Provisioned,
) -> None:
    address = sign_in_name("sue")
    found = await recognised(provisioned, f"{address}\nask in the harbour, {address} knows nothing of it")
    assert [(one.name, one.office) for one in found] == [("Sue Paperboat", "CO-BEL"), ("", "")]


async def test_either_part_of_a_display_name_in_two_scripts_is_a_name_where_one_account_alone_bears_it(
    provisioned: Provisioned,
) -> None:
    state = provisioned.m365.state
    for number, name in enumerate(["Layla Al-Hibr (ليلى الحبر)", "Omar Bo (عمر بو)", "Omar Boe (عمر بو)"]):
        users.create(state, id=person_id(f"two{number}"), upn=sign_in_name(f"two{number}"), display_name=name)
    graph = provisioned.app.graph
    everybody = [one async for one in people.list_people(graph)]
    named = read("ليلى الحبر — تعرف كل بئر\nLayla Al-Hibr — wells\nعمر بو — المضخات\nBen (WHO)")
    found = await contacts.recognise(graph, named, directory=everybody)
    assert [one.person_id for one in found] == [person_id("two0"), person_id("two0"), "", ""]


async def test_of_two_namesakes_nothing_is_told(provisioned: Provisioned) -> None:
    state, upn = provisioned.m365.state, sign_in_name("ben2")
    users.create(state, id=person_id("ben2"), upn=upn, display_name="Ben Paperboat")
    [one] = await recognised(provisioned, "Ben Paperboat — tags")
    assert one.person_id == one.post == ""


async def test_guests_accounts_switched_off_and_quotes_in_names_are_no_colleagues(
    provisioned: Provisioned,
) -> None:
    state = provisioned.m365.state
    users.create(state, id=person_id("xin"), upn="x#EXT#@agency.example", display_name="Xin O'Neil")
    users.create(state, id=person_id("oli"), upn=sign_in_name("oli"), display_name="Oli Gone", enabled=False)
    found = await recognised(provisioned, "Xin O'Neil: funds\nOli Gone: nurses")
    assert [one.person_id for one in found] == ["", ""]


async def test_the_organisations_own_addresses_end_as_this_persons_do(provisioned: Provisioned) -> None:
    graph = provisioned.app.graph
    assert await contacts.own_domains(graph, person_id("ann")) == {"childrensagency.example"}
    assert await contacts.own_domains(graph, "") == set()
