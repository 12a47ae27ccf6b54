"""The term store, as Graph serves it."""

import pytest

from km365.local import faults, term_rows, terms, tokens

pytestmark = pytest.mark.graph_documented("termstore-term")


@pytest.fixture
def store(site):
    return f"/sites/{site}/termStore"


@pytest.fixture
async def topics(graph, store):
    """The address of an empty set."""
    group = (await graph.post(f"{store}/groups", json={"displayName": "km365"})).json()
    body = {
        "parentGroup": {"id": group["id"]},
        "localizedNames": [{"languageTag": "en-US", "name": "Topics"}],
    }
    made = await graph.post(f"{store}/sets", json=body)
    assert made.status_code == 201
    return f"{store}/sets/{made.json()['id']}"


def labels(name, **others):
    """A default English label and, per language, a default one and synonyms."""
    found = [{"languageTag": "en-US", "name": name, "isDefault": True}]
    for language, names in others.items():
        tag = {"fr": "fr-FR", "ar": "ar-SA", "en": "en-US"}[language]
        first = language != "en"
        found += [{"languageTag": tag, "name": n, "isDefault": first and i == 0} for i, n in enumerate(names)]
    return found


async def add(graph, parent, name, **body):
    answer = await graph.post(f"{parent}/children", json={"labels": labels(name), **body})
    assert answer.status_code == 201, answer.text
    return answer.json()


async def walk(graph, topics):
    """Names by path, read level by level."""
    found, waiting = {}, [("", f"{topics}/children")]
    while waiting:
        above, address = waiting.pop()
        for term in (await graph.get(address)).json()["value"]:
            name = next(x["name"] for x in term["labels"] if x["languageTag"] == "en-US" and x["isDefault"])
            found[f"{above}/{name}"] = term
            waiting.append((f"{above}/{name}", f"{topics}/terms/{term['id']}/children"))
    return found


async def test_the_store_says_its_languages(graph, store):
    shown = (await graph.get(store)).json()
    assert shown["defaultLanguageTag"] == "en-US" and "ar-SA" in shown["languageTags"]
    tags = [*shown["languageTags"], "sw-KE"]
    assert (await graph.patch(store, json={"languageTags": tags})).json()["languageTags"] == tags
    assert (await graph.patch(store, json={"languageTags": ["fr-FR"]})).status_code == 400


async def test_a_term_keeps_labels_in_many_languages_synonyms_and_properties(graph, topics):
    body = {
        "labels": labels("Water", fr=["Eau"], ar=["المياه"], en=["WASH", "Safe water"]),
        "descriptions": [{"languageTag": "en-US", "description": "Safe to drink"}],
        "properties": [{"key": "km365.id", "value": "topic/water"}],
    }
    made = (await graph.post(f"{topics}/children", json=body)).json()
    shown = (await graph.get(f"{topics}/terms/{made['id']}")).json()
    assert shown["labels"] == body["labels"]
    assert shown["properties"] == body["properties"] and shown["descriptions"] == body["descriptions"]


async def test_terms_are_walked_level_by_level(graph, topics):
    water = await add(graph, topics, "Water")
    await add(graph, f"{topics}/terms/{water['id']}", "Hand washing")
    await add(graph, topics, "Education")
    assert sorted(await walk(graph, topics)) == ["/Education", "/Water", "/Water/Hand washing"]
    assert (await graph.get(f"{topics}/terms")).status_code == 501  # there is no flat list


async def test_groups_and_sets_are_listed_and_changed(graph, store, topics):
    (group,) = (await graph.get(f"{store}/groups")).json()["value"]
    (one,) = (await graph.get(f"{store}/groups/{group['id']}/sets")).json()["value"]
    assert one["localizedNames"] == [{"name": "Topics", "languageTag": "en-US"}]
    assert (await graph.get(f"{topics}/parentGroup")).json()["id"] == group["id"]
    changed = await graph.patch(topics, json={"properties": [{"key": "km365.id", "value": "topic"}]})
    assert changed.json()["properties"][0]["value"] == "topic"
    renamed = await graph.patch(f"{store}/groups/{group['id']}", json={"displayName": "Knowledge"})
    assert renamed.json()["displayName"] == "Knowledge"
    assert (await graph.post(f"{store}/groups", json={"displayName": "knowledge"})).status_code == 409
    assert (await graph.delete(f"{store}/groups/{group['id']}")).status_code == 400
    assert (await graph.delete(topics)).status_code == 204
    assert (await graph.delete(f"{store}/groups/{group['id']}")).status_code == 204


async def test_patching_labels_sends_the_whole_list(graph, topics):
    water = await add(graph, topics, "Water")
    address = f"{topics}/terms/{water['id']}"
    await graph.patch(address, json={"labels": labels("Water", fr=["Eau"])})
    await graph.patch(address, json={"labels": labels("Safe water")})
    assert (await graph.get(address)).json()["labels"] == labels("Safe water")


@pytest.mark.parametrize(
    "wrong",
    [
        [],
        [{"languageTag": "fr-FR", "name": "Eau", "isDefault": True}],
        [{"languageTag": "en-US", "name": "Water", "isDefault": False}],
        [{"languageTag": "xx-XX", "name": "Water", "isDefault": True}],
        [*labels("Water"), {"languageTag": "en-US", "name": "Aqua", "isDefault": True}],
        labels("a|b"),
        labels("x" * 256),
    ],
    ids=["none", "no default language", "no default", "strange language", "two defaults", "bar", "too long"],
)
async def test_labels_that_cannot_be_are_refused(graph, topics, wrong):
    assert (await graph.post(f"{topics}/children", json={"labels": wrong})).status_code == 400


async def test_siblings_have_different_names(graph, topics):
    water = await add(graph, topics, "Water")
    assert (await graph.post(f"{topics}/children", json={"labels": labels("water")})).status_code == 409
    await add(graph, f"{topics}/terms/{water['id']}", "Water")


async def test_an_eighth_level_is_refused(graph, topics):
    parent = topics
    for level in range(7):
        parent = f"{topics}/terms/{(await add(graph, parent, f'Level {level}'))['id']}"
    assert (await graph.post(f"{parent}/children", json={"labels": labels("Too deep")})).status_code == 400


async def test_one_term_too_many_is_refused(graph, topics, monkeypatch):
    monkeypatch.setattr(term_rows, "TERMS_PER_SET", 2)
    await add(graph, topics, "One")
    await add(graph, topics, "Two")
    assert (await graph.post(f"{topics}/children", json={"labels": labels("Three")})).status_code == 400


async def test_deleting_a_term_deletes_what_is_below_it(graph, m365, topics):
    water = await add(graph, topics, "Water")
    below = await add(graph, f"{topics}/terms/{water['id']}", "Hand washing")
    assert (await graph.delete(f"{topics}/terms/{water['id']}")).status_code == 204
    assert await walk(graph, topics) == {}
    assert terms.find(m365.state, below["id"]) is None


async def test_a_reused_term_stands_in_both_sets(graph, store, topics):
    water = await add(graph, topics, "Water")
    await add(graph, f"{topics}/terms/{water['id']}", "Hand washing")
    (group,) = (await graph.get(f"{store}/groups")).json()["value"]
    names = [{"languageTag": "en-US", "name": "Office terms"}]
    other = (await graph.post(f"{store}/groups/{group['id']}/sets", json={"localizedNames": names})).json()
    office = f"{store}/sets/{other['id']}"
    relation = {"relationship": "reuse", "set": {"id": other["id"]}}
    made = await graph.post(f"{topics}/terms/{water['id']}/relations", json=relation)
    assert (made.status_code, made.json()["relationship"]) == (201, "reuse")
    # Children of a reused term are those of its own set, and cannot be added elsewhere.
    assert sorted(await walk(graph, office)) == ["/Water", "/Water/Hand washing"]
    inside = await graph.post(f"{office}/terms/{water['id']}/children", json={"labels": labels("Local")})
    assert inside.status_code == 400
    (shown,) = (await graph.get(f"{topics}/terms/{water['id']}/relations?$expand=set,toTerm")).json()["value"]
    assert (shown["set"]["id"], shown["toTerm"]["id"]) == (other["id"], water["id"])
    assert (await graph.post(f"{topics}/terms/{water['id']}/relations", json=relation)).status_code == 409
    # Deleted at home, it goes to the orphans, and stays where it is reused.
    await graph.delete(f"{topics}/terms/{water['id']}")
    assert await walk(graph, topics) == {}
    assert [t["id"] for t in (await graph.get(f"{office}/children")).json()["value"]] == [water["id"]]


async def test_every_site_sees_the_same_store(graph, store, topics):
    assert (await graph.get("/sites/root/termStore/groups")).json()["value"][0]["displayName"] == "km365"
    assert (await graph.get("/sites/nowhere/termStore/groups")).status_code == 404


async def test_a_taxonomy_column_takes_terms_of_the_store_only(graph, site, topics):
    term = await add(graph, topics, "Water")
    body = {
        "displayName": "Tagged",
        "list": {"template": "genericList"},
        "columns": [
            {
                "name": "Topic",
                "term": {"allowMultipleValues": True, "termSet": {"id": topics.rpartition("/")[2]}},
            }
        ],
    }
    made = await graph.post(f"/sites/{site}/lists", json=body)
    assert made.status_code == 201, made.text
    address = f"/sites/{site}/lists/{made.json()['id']}"
    columns = (await graph.get(f"{address}/columns?$select=id,name,displayName,hidden")).json()["value"]
    note = next(c["name"] for c in columns if c["hidden"] and c["displayName"].endswith("_0"))
    item = (await graph.post(f"{address}/items", json={"fields": {"Title": "x"}})).json()
    fields = f"{address}/items/{item['id']}/fields"
    stored = (await graph.patch(fields, json={note: f"-1;#water|{term['id']}"})).json()
    assert [(v["Label"], v["TermGuid"]) for v in stored["Topic"]] == [("Water", term["id"])]
    strange = "-1;#x|00000000-0000-0000-0000-000000000001"
    assert (await graph.patch(fields, json={note: strange})).status_code == 400


async def test_a_taxonomy_column_takes_terms_of_its_own_set_and_those_reused_there(
    graph, store, site, topics
):
    own = await add(graph, topics, "Water")
    (group,) = (await graph.get(f"{store}/groups")).json()["value"]
    names = [{"languageTag": "en-US", "name": "Places"}]
    other = (await graph.post(f"{store}/groups/{group['id']}/sets", json={"localizedNames": names})).json()
    places = f"{store}/sets/{other['id']}"
    strange = await add(graph, places, "Belmora")
    below = await add(graph, f"{places}/terms/{strange['id']}", "North")
    column = {"name": "Topic", "term": {"termSet": {"id": topics.rpartition("/")[2]}}}
    body = {"displayName": "Own", "list": {"template": "genericList"}, "columns": [column]}
    address = f"/sites/{site}/lists/{(await graph.post(f'/sites/{site}/lists', json=body)).json()['id']}"
    columns = (await graph.get(f"{address}/columns?$select=name,displayName,hidden")).json()["value"]
    note = next(c["name"] for c in columns if c["hidden"] and c["displayName"].endswith("_0"))
    item = (await graph.post(f"{address}/items", json={"fields": {"Title": "x"}})).json()

    async def write(term):
        text = f"-1;#x|{term['id']}"
        return (await graph.patch(f"{address}/items/{item['id']}/fields", json={note: text})).status_code

    assert [await write(term) for term in (own, strange, below)] == [200, 400, 400]
    relation = {"relationship": "reuse", "set": {"id": topics.rpartition("/")[2]}}
    await graph.post(f"{places}/terms/{strange['id']}/relations", json=relation)
    assert [await write(term) for term in (own, strange, below)] == [200, 200, 200]


async def test_the_term_store_can_be_for_people_only(graph, m365, store, topics):
    faults.switch(m365.state, "term_store_people_only", on=True)
    for path in (store, f"{store}/groups", f"{topics}/children"):
        assert (await graph.get(path)).status_code == 403
    token = tokens.issue(m365.state, "an app", "somebody")
    signed_in = {"Authorization": f"Bearer {token}"}
    assert (await graph.get(f"{topics}/children", headers=signed_in)).status_code == 200
