"""Bringing the term store of the small Microsoft 365 to our taxonomy, and reading it."""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from km365.core.schema import LESSON_TAG_COLUMNS
from km365.core.tagging import from_text
from km365.core.taxonomy import Concept, Mode, Status, Taxonomy, TermSet
from km365.core.term_store import KEY, MODE, REPLACED_BY, STATUS, Labels, StoredTerm
from km365.core.three_sides import Kind
from km365.errors import ChangedMeanwhile, Forbidden, InputRefused, Throttled
from km365.graph import terms
from km365.graph.auth import LocalCredential
from km365.graph.client import Graph
from km365.graph.pacing import Limits
from km365.local.server import M365
from km365.services import taxonomy, term_copy, term_pull, term_push
from km365.services.term_writing import Pushed, PushPlan
from km365.store import events
from km365.store.database import Database
from km365.suggest.vocabulary import Vocabulary
from km365.templates import Templates

SITE = "root"
NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)


@pytest.fixture
async def graph(m365: M365) -> AsyncIterator[Graph]:
    """A Graph signed in at one's own small Microsoft 365."""
    opened = Graph(
        base_url=m365.graph_url,
        credential=LocalCredential(m365.graph_url),
        limits=Limits.for_licences(50_000),
    )
    yield opened
    await opened.aclose()


class Desk:
    """A home folder, a database and the term store, and somebody who works in it by hand."""

    def __init__(self, graph: Graph, db: Database, home: Path) -> None:
        self.graph, self.db, self.home = graph, db, home

    async def plan(self, wanted: Taxonomy, *facets: str, force: tuple[str, ...] = ()) -> PushPlan:
        return await term_push.plan(self.graph, SITE, wanted, home=self.home, facets=facets, force=force)

    async def push(self, wanted: Taxonomy, *facets: str, force: tuple[str, ...] = ()) -> Pushed:
        return await self.write(await self.plan(wanted, *facets, force=force))

    async def write(self, made: PushPlan) -> Pushed:
        return await term_push.push(
            self.graph, self.db, SITE, made, home=self.home, who="test", now=lambda: NOW
        )

    async def pull(self, wanted: Taxonomy) -> term_pull.Pulled:
        return await term_pull.pull(self.graph, SITE, wanted, home=self.home)

    async def live(self, key: str = "x") -> terms.TermStoreSet:
        sets = (await term_pull.read(self.graph, SITE)).sets
        return next(one for one in sets if one.key == key)

    async def term(self, concept_id: str, key: str = "x") -> StoredTerm:
        return next(one for one in (await self.live(key)).terms if one.key == concept_id)

    async def edit(self, concept_id: str, key: str = "x", **labels: Labels) -> None:
        """What a colleague changes on the term store's page."""
        there, term = await self.live(key), await self.term(concept_id, key)
        tags = {"en": "en-US", "fr": "fr-FR"}
        after = {**term.labels, **{tags[language]: one for language, one in labels.items()}}
        update = terms.TermUpdate(term_id=term.id, labels=after)
        assert await terms.update_terms(self.graph, SITE, there.id, [update]) == [None]

    async def add(self, label: str, under: str | None = None) -> str:
        there = await self.live()
        parent = (await self.term(under)).id if under else None
        new = terms.NewTerm(parent_id=parent, labels={"en-US": Labels(default=label)})
        [made] = await terms.create_terms(self.graph, SITE, there.id, [new])
        assert isinstance(made, StoredTerm)
        return made.id


@pytest.fixture
def desk(graph: Graph, tmp_path: Path) -> Any:
    db = Database.open("sqlite://")
    yield Desk(graph, db, tmp_path)
    db.close()


def concept(name: str, label: str, **more: Any) -> Concept:
    return Concept(id=f"x/{name}", labels={"en": label}, **more)


LEAF = concept("leaf", "Leaf", broader="x/tree", synonyms={"en": ("leaves", "LEAF")})
TREE = Concept(id="x/tree", labels={"en": "Tree", "fr": "Arbre"}, synonyms={"fr": ("arbrisseau",)})


def small(*more: Concept, leaf: Concept = LEAF, tree: Concept = TREE) -> Taxonomy:
    return Taxonomy(term_sets=(TermSet(key="x", names={"en": "Plants"}, concepts=(leaf, tree, *more)),))


def lines(made: PushPlan | term_pull.Pulled, *kinds: Kind) -> list[tuple[Kind, str]]:
    found = [line for one in made.changes for line in one.lines]
    return [(line.kind, line.concept_id) for line in found if not kinds or line.kind in kinds]


# Creating ------------------------------------------------------------------------------------------------


async def test_pushing_creates_what_is_missing_and_a_second_time_nothing(desk: Desk):
    known = small()
    assert [(m.key, m.terms) for m in await term_push.missing(desk.graph, SITE, known)] == [("x", 2)]
    done = await desk.push(known)
    assert (done.sets, done.terms, done.changed, done.failed) == (1, 2, 0, [])
    assert await term_push.missing(desk.graph, SITE, known) == []
    again = await desk.plan(known)
    assert (again.writes, lines(again)) == (0, [])


async def test_a_term_that_was_added_to_a_file_is_created_under_its_parent(desk: Desk):
    await desk.push(small())
    wider = small(concept("vein", "Vein", broader="x/leaf"))
    assert lines(await desk.plan(wider)) == [(Kind.NEW, "x/vein")]
    assert (await desk.push(wider)).terms == 1
    assert (await desk.term("x/vein")).parent_id == (await desk.term("x/leaf")).id


async def test_labels_and_definitions_go_out_in_all_languages_with_synonyms_that_are_not_default(desk: Desk):
    tree = replace(
        TREE, definitions={"en": "Has a trunk.", "fr": "A un tronc."}, aliases=("x/old", "x/older")
    )
    await desk.push(small(tree=tree))
    there = await desk.term("x/tree")
    assert there.labels == {
        "en-US": Labels(default="Tree"),
        "fr-FR": Labels(default="Arbre", synonyms=("arbrisseau",)),
    }
    assert there.descriptions == {"en-US": "Has a trunk.", "fr-FR": "A un tronc."}
    assert there.properties == {KEY: "x/tree", "km365.aliases": "x/old x/older"}
    assert (await desk.term("x/leaf")).labels == {"en-US": Labels(default="Leaf", synonyms=("leaves",))}


async def test_the_shipped_taxonomy_comes_back_from_the_term_store_as_it_went(desk: Desk):
    known = taxonomy.shipped(Templates()).for_columns(column.name for column in LESSON_TAG_COLUMNS)
    await desk.push(known)
    stored = await taxonomy.stored(desk.graph, SITE, known)
    assert all(one.term_id for one in stored)
    assert [(c.id, c.labels, dict(c.synonyms), c.broader) for c in stored] == [
        (c.id, c.labels, dict(c.synonyms), c.broader) for c in known
    ]
    assert await term_push.set_ids(desk.graph, SITE) == {s.key: s.set_id for s in stored.term_sets}
    assert (await desk.plan(known)).writes == 0


async def test_only_the_named_facets_are_read_and_written(desk: Desk, m365: M365):
    other = TermSet(key="y", names={"en": "Animals"}, concepts=(Concept(id="y/cat", labels={"en": "Cat"}),))
    both = Taxonomy(term_sets=(*small().term_sets, other))
    assert (await desk.push(both, "y")).terms == 1
    assert {one.key for one in (await term_pull.read(desk.graph, SITE)).sets} == {"y"}
    assert (await desk.push(both)).terms == 2
    with pytest.raises(InputRefused, match="there are x, y"):
        await desk.plan(both, "z")


async def test_what_is_refused_is_listed_and_the_rest_goes_on(desk: Desk):
    await desk.push(small())
    twin = concept("twin", "Tree")
    below = concept("below", "Below", broader="x/twin")
    done = await desk.push(small(twin, below, concept("bush", "Bush")))
    assert done.terms == 1
    assert [one.concept_id for one in done.failed] == ["x/twin", "x/below"]
    assert "x/twin is not in the term store" in done.failed[1].why
    assert (await desk.plan(small(twin, below, concept("bush", "Bush")))).writes == 2


async def test_a_push_that_was_cut_off_goes_on_and_the_journal_has_its_count(desk: Desk, m365: M365):
    many = small(*(concept(f"n{number}", f"Number {number}") for number in range(50)))
    reached = []

    def stop(count: int) -> None:
        reached.append(count)
        if sum(reached) > 40:
            raise KeyboardInterrupt

    made = await desk.plan(many)
    with pytest.raises(KeyboardInterrupt):
        await term_push.push(
            desk.graph, desk.db, SITE, made, home=desk.home, who="test", now=lambda: NOW, advance=stop
        )
    last = (await desk.db.run(events.list_))[0]
    assert (last.kind, last.what["terms"]) == ("taxonomy pushed", 40)
    left = await desk.plan(many)
    assert left.writes == 12
    assert (await desk.push(many)).terms == 12
    assert lines(await desk.plan(many)) == []


# Changing ------------------------------------------------------------------------------------------------


async def test_what_the_files_change_is_written_and_nothing_else(desk: Desk):
    await desk.push(small())
    tree = replace(
        TREE,
        labels={"en": "Tree or bush", "fr": "Arbre", "es": "Árbol"},
        synonyms={"en": ("shrub",)},
        definitions={"en": "Has a trunk."},
    )
    made = await desk.plan(small(tree=tree))
    assert lines(made) == [(Kind.CHANGED, "x/tree")]
    assert made.changes[0].lines[0].says == (
        "en-US: Tree -> Tree or bush; en-US synonyms: +shrub; fr-FR synonyms: -arbrisseau; "
        "es-ES: - -> Árbol; en-US description: - -> Has a trunk."
    )
    assert (await desk.push(small(tree=tree))).changed == 1
    assert (await desk.term("x/tree")).labels == {
        "en-US": Labels(default="Tree or bush", synonyms=("shrub",)),
        "fr-FR": Labels(default="Arbre"),
        "es-ES": Labels(default="Árbol"),
    }
    assert (await desk.plan(small(tree=tree))).writes == 0


async def test_a_label_that_people_changed_is_kept(desk: Desk):
    await desk.push(small())
    await desk.edit("x/tree", en=Labels(default="Plant", synonyms=("Shrub",)))
    made = await desk.plan(small())
    assert (made.writes, lines(made)) == (0, [(Kind.KEPT, "x/tree")])
    await desk.push(small())
    assert (await desk.term("x/tree")).labels["en-US"] == Labels(default="Plant", synonyms=("Shrub",))
    # and it is not forgotten: a later change of the file is a conflict, not an overwriting
    ours = small(tree=replace(TREE, labels={"en": "Wood", "fr": "Arbre"}))
    assert lines(await desk.plan(ours)) == [(Kind.CONFLICT, "x/tree")]


async def test_what_both_sides_changed_is_a_conflict_that_only_a_person_decides(desk: Desk):
    await desk.push(small())
    await desk.edit("x/tree", en=Labels(default="Plant"))
    ours = small(tree=replace(TREE, labels={"en": "Wood", "fr": "Bois"}))
    made = await desk.plan(ours)
    assert [line.says for line in made.left] == ["en-US: the term store has Plant, the files Wood"]
    await desk.push(ours)
    labels = (await desk.term("x/tree")).labels
    assert (labels["en-US"].default, labels["fr-FR"].default) == ("Plant", "Bois")
    assert lines(await desk.plan(ours)) == [(Kind.CONFLICT, "x/tree")]
    await desk.push(ours, force=("x/tree",))
    assert (await desk.term("x/tree")).labels["en-US"].default == "Wood"
    assert lines(await desk.plan(ours)) == []


async def test_what_people_change_between_the_comparison_and_the_write_is_left_and_compared_anew(desk: Desk):
    await desk.push(small(concept("bush", "Bush")))
    ours = small(concept("bush", "Hedge"), tree=replace(TREE, labels={"en": "Wood", "fr": "Arbre"}))
    made = await desk.plan(ours)
    await desk.edit("x/tree", en=Labels(default="Tree", synonyms=("Timber",)))
    done = await desk.write(made)
    assert (done.changed, [one.concept_id for one in done.failed]) == (1, ["x/tree"])
    assert "compare again" in done.failed[0].why
    assert (await desk.term("x/tree")).labels["en-US"] == Labels(default="Tree", synonyms=("Timber",))
    assert (await desk.term("x/bush")).labels["en-US"].default == "Hedge"
    stored = taxonomy.last_stored(ours, cache=desk.home / taxonomy.CACHE)
    assert stored.by_id["x/tree"].synonyms["en"] == ("Timber",), "what was found is in the copy"
    assert lines(await desk.plan(ours)) == [(Kind.CHANGED, "x/tree")]
    await desk.push(ours)
    assert (await desk.term("x/tree")).labels["en-US"] == Labels(default="Wood", synonyms=("Timber",))


async def test_a_term_that_people_take_out_after_the_comparison_is_not_written(desk: Desk):
    await desk.push(small(concept("bush", "Bush")))
    made = await desk.plan(small(concept("bush", "Hedge")))
    there, bush = await desk.live(), await desk.term("x/bush")
    await desk.graph.delete(f"/sites/{SITE}/termStore/sets/{there.id}/terms/{bush.id}")
    assert [one.concept_id for one in (await desk.write(made)).failed] == ["x/bush"]
    assert "x/bush" not in taxonomy.last_stored(small(), cache=desk.home / taxonomy.CACHE).by_id


async def test_a_set_that_somebody_made_or_named_after_the_comparison_is_left(desk: Desk):
    made = await desk.plan(small())
    await desk.push(small())
    with pytest.raises(ChangedMeanwhile, match="The term set 'x'"):
        await desk.write(made)
    named = Taxonomy(term_sets=(replace(small().term_sets[0], names={"en": "All plants"}),))
    made = await desk.plan(named)
    there = await desk.live()
    names = {**there.names, "fr-FR": "Plantes"}
    await terms.update_set(desk.graph, SITE, there.id, names=names, properties=there.properties)
    with pytest.raises(ChangedMeanwhile):
        await desk.write(made)
    await desk.push(named)
    assert (await desk.live()).names == {"en-US": "All plants", "fr-FR": "Plantes"}


async def test_reading_the_term_store_does_not_make_peoples_changes_ours_to_overwrite(desk: Desk):
    await desk.push(small())
    await desk.edit("x/tree", en=Labels(default="Plant"))
    await taxonomy.stored(desk.graph, SITE, small(), cache=desk.home / taxonomy.CACHE)
    await desk.pull(small())
    assert lines(await desk.plan(small())) == [(Kind.KEPT, "x/tree")]


async def test_where_nobody_knows_who_changed_a_label_it_is_a_conflict(desk: Desk):
    await desk.push(small())
    (desk.home / term_copy.AGREED).unlink()
    assert lines(await desk.plan(small())) == []
    ours = small(tree=replace(TREE, labels={"en": "Wood", "fr": "Arbre"}))
    assert lines(await desk.plan(ours)) == [(Kind.CONFLICT, "x/tree")]


async def test_synonyms_of_both_sides_are_kept_and_those_either_dropped_go(desk: Desk):
    def tree(*synonyms: str) -> Taxonomy:
        return small(tree=replace(TREE, synonyms={"en": synonyms}))

    await desk.push(tree("one", "two", "three"))
    await desk.edit("x/tree", en=Labels(default="Tree", synonyms=("two", "three", "theirs")))
    await desk.push(tree("one", "three", "ours"))
    assert set((await desk.term("x/tree")).labels["en-US"].synonyms) == {"three", "theirs", "ours"}
    assert lines(await desk.plan(tree("one", "three", "ours"))) == []


async def test_a_term_that_people_made_becomes_ours_when_the_files_name_it(desk: Desk):
    await desk.push(small())
    made = await desk.add("Mango tree", under="x/tree")
    assert (Kind.ADDED, f"x/{made}") in lines(await desk.plan(small()))
    wider = small(concept("mango", "mango tree", broader="x/tree", synonyms={"en": ("mango",)}))
    assert lines(await desk.plan(wider), Kind.ADOPTED) == [(Kind.ADOPTED, "x/mango")]
    await desk.push(wider)
    assert (await desk.term("x/mango")).id == made


async def test_a_term_that_people_took_out_is_not_made_again_unless_somebody_says_so(desk: Desk):
    await desk.push(small())
    there, tree = await desk.live(), await desk.term("x/tree")
    await desk.graph.delete(f"/sites/{SITE}/termStore/sets/{there.id}/terms/{tree.id}")
    vein = concept("vein", "Vein", broader="x/leaf")
    for _ in range(2):
        made = await desk.plan(small(vein))
        assert lines(made) == [(Kind.KEPT, "x/tree"), (Kind.KEPT, "x/leaf"), (Kind.KEPT, "x/vein")]
        assert (await desk.push(small(vein))).terms == 0
    assert (await desk.push(small(vein), force=("x/tree", "x/leaf"))).terms == 3


async def test_what_was_agreed_with_another_term_store_counts_for_nothing(desk: Desk):
    await desk.push(small())
    there = await desk.live()
    await desk.graph.delete(f"/sites/{SITE}/termStore/sets/{there.id}")
    assert (await desk.push(small())).terms == 2
    again = await desk.live()
    await desk.graph.delete(f"/sites/{SITE}/termStore/sets/{again.id}/terms/{(await desk.term('x/tree')).id}")
    assert lines(await desk.plan(small()), Kind.KEPT) != []


async def test_a_moved_term_is_refused_by_name(desk: Desk):
    await desk.push(small())
    moved = small(leaf=replace(LEAF, broader=None))
    (line,) = (await desk.plan(moved)).left
    assert (line.kind, line.concept_id) == (Kind.BY_HAND, "x/leaf")
    assert "it stands under x/tree in the term store and at the top in the files" in line.says


async def test_what_graph_cannot_set_is_noted_and_said_once(desk: Desk):
    await desk.push(small())
    gone = replace(TREE, status=Status.DEPRECATED, replaced_by="x/leaf")
    never = replace(LEAF, mode=Mode.NEVER)
    made = await desk.plan(small(tree=gone, leaf=never))
    (line,) = made.left
    assert line.concept_id == "x/tree" and line.says.startswith("deprecate it")
    await desk.push(small(tree=gone, leaf=never))
    properties = (await desk.term("x/tree")).properties
    assert (properties[STATUS], properties[REPLACED_BY]) == ("deprecated", "x/leaf")
    assert (await desk.term("x/leaf")).properties[MODE] == "never"
    assert lines(await desk.plan(small(tree=gone, leaf=never))) == []
    assert "enable it again" in (await desk.plan(small())).left[0].says


async def test_a_deprecated_term_that_nothing_can_carry_is_not_made(desk: Desk):
    gone = concept("gone", "Gone", status=Status.DEPRECATED)
    above = concept("above", "Above", status=Status.DEPRECATED)
    below = concept("below", "Below", broader="x/above")
    known = small(gone, above, below)
    assert (await desk.push(known)).terms == 4
    assert {one.key for one in (await desk.live()).terms} == {"x/tree", "x/leaf", "x/above", "x/below"}
    assert await term_push.missing(desk.graph, SITE, known) == []


async def test_a_term_that_left_the_files_stays_and_a_merged_one_is_for_a_person(desk: Desk):
    await desk.push(small(concept("bush", "Bush"), concept("shrub", "Shrub")))
    after = small(concept("bush", "Bush", aliases=("x/shrub",)))
    made = await desk.plan(after)
    assert lines(made, Kind.BY_HAND) == [(Kind.BY_HAND, "x/shrub")]
    assert lines(await desk.plan(small()), Kind.GONE) == [(Kind.GONE, "x/bush"), (Kind.GONE, "x/shrub")]
    old = (await taxonomy.stored(desk.graph, SITE, after)).by_id["x/shrub"]
    assert (old.status, old.replaced_by) == (Status.DEPRECATED, "x/bush")
    assert old.term_id == (await desk.term("x/shrub")).id


OAK = concept("oak", "Oak tree", aliases=("x/tree",))
ACORN = concept("acorn", "Leaf", broader="x/oak", aliases=("x/gone", "x/leaf"))


def ids_changed(tree: Concept = OAK) -> Taxonomy:
    return Taxonomy(term_sets=(TermSet(key="x", names={"en": "Plants"}, concepts=(tree, ACORN)),))


async def test_a_term_whose_id_is_another_one_in_the_files_stays_the_same_term(desk: Desk):
    await desk.push(small())
    old = await desk.term("x/tree"), await desk.term("x/leaf")
    before = await taxonomy.stored(desk.graph, SITE, ids_changed())
    assert [(one.id, one.term_id) for one in before] == [("x/oak", old[0].id), ("x/acorn", old[1].id)]
    assert lines(await desk.plan(ids_changed())) == [(Kind.CHANGED, "x/oak"), (Kind.CHANGED, "x/acorn")]

    done = await desk.push(ids_changed())
    assert (done.terms, done.changed, done.failed) == (0, 2, [])
    assert [one.id for one in (await desk.term("x/oak"), await desk.term("x/acorn"))] == [
        old[0].id,
        old[1].id,
    ]
    assert (await desk.term("x/oak")).labels["en-US"] == Labels(default="Oak tree")
    assert (await desk.plan(ids_changed())).writes == 0


async def test_what_people_changed_of_a_term_stays_though_its_id_is_another_one_in_the_files(desk: Desk):
    await desk.push(small())
    await desk.edit("x/tree", en=Labels(default="Woody plant"))
    known = ids_changed(replace(OAK, labels=TREE.labels, synonyms=TREE.synonyms))
    assert (Kind.KEPT, "x/oak") in lines(await desk.plan(known))
    await desk.push(known)
    assert (await desk.term("x/oak")).labels["en-US"].default == "Woody plant"


async def test_a_term_that_is_one_of_another_set_in_the_files_gets_a_term_there(desk: Desk):
    await desk.push(small())
    bush = TermSet(key="y", names={"en": "Bushes"}, concepts=(concept("bush", "Leaf", aliases=("x/leaf",)),))
    plants = TermSet(key="x", names={"en": "Plants"}, concepts=(TREE,))
    known = Taxonomy(term_sets=(plants, bush))
    assert (await taxonomy.stored(desk.graph, SITE, known)).by_id["x/bush"].term_id is None
    assert lines(await desk.plan(known), Kind.NEW, Kind.GONE) == [(Kind.GONE, "x/leaf"), (Kind.NEW, "x/bush")]


async def test_a_term_that_people_took_out_is_not_made_again_under_another_id(desk: Desk):
    await desk.push(small())
    there, leaf = await desk.live(), await desk.term("x/leaf")
    await desk.graph.delete(f"/sites/{SITE}/termStore/sets/{there.id}/terms/{leaf.id}")
    assert (Kind.KEPT, "x/acorn") in lines(await desk.plan(ids_changed()))


async def test_other_peoples_properties_stay(desk: Desk):
    await desk.push(small())
    there, term = await desk.live(), await desk.term("x/tree")
    theirs = terms.TermUpdate(term_id=term.id, properties={**term.properties, "colour": "green"})
    await terms.update_terms(desk.graph, SITE, there.id, [theirs])
    await desk.push(small(tree=replace(TREE, aliases=("x/old",))))
    assert (await desk.term("x/tree")).properties["colour"] == "green"


# Offices -------------------------------------------------------------------------------------------------


def with_layers() -> Taxonomy:
    """An office that adds a term among the global ones, and one that keeps a list of its own."""
    among = TermSet(
        key="x-bel",
        names={"en": "Plants of Belmora"},
        office="bel",
        extends="x",
        concepts=(Concept(id="bel/fig", labels={"en": "Fig"}, global_parent="x/tree"),),
    )
    alone = TermSet(
        key="bel-list",
        names={"en": "Belmora's list"},
        office="bel",
        concepts=(
            Concept(id="bel/tree", labels={"en": "Tree"}, global_parent="x/tree"),
            Concept(id="bel/moss", labels={"en": "Moss"}, global_parent="x/leaf"),
        ),
    )
    return replace(small(), layers=(among, alone))


async def test_an_offices_terms_stand_among_the_global_ones_and_a_global_one_is_reused(desk: Desk):
    known = with_layers()
    made = await desk.plan(known)
    assert (Kind.REUSED, "bel/tree") in lines(made)
    done = await desk.push(known)
    assert (done.sets, done.terms, done.reused, done.failed) == (2, 4, 1, [])
    tree = await desk.term("x/tree")
    assert (await desk.term("bel/fig")).parent_id == tree.id
    assert tree.id in {one.id for one in (await desk.live("bel-list")).terms}
    assert (await desk.plan(known)).writes == 0
    stored = await taxonomy.stored(desk.graph, SITE, known)
    office = stored.for_office("bel").by_id
    assert (office["bel/tree"].term_id, office["bel/fig"].broader) == (tree.id, "x/tree")
    assert [one.id for one in stored] == ["x/leaf", "x/tree"]


@pytest.mark.parametrize("first", [small(), with_layers()], ids=["made anew", "there before"])
async def test_an_office_reuses_a_global_term_whose_id_is_another_one_in_the_files(
    desk: Desk, first: Taxonomy
):
    await desk.push(first)
    tree = await desk.term("x/tree")
    oak = replace(TREE, id="x/oak", aliases=("x/tree",))
    known = small(tree=oak, leaf=replace(LEAF, broader="x/oak"))
    layers = tuple(
        replace(
            layer,
            concepts=tuple(
                replace(one, global_parent="x/oak") if one.global_parent == "x/tree" else one
                for one in layer.concepts
            ),
        )
        for layer in with_layers().layers
    )
    known = replace(known, layers=layers)
    assert not lines(await desk.plan(known), Kind.GONE, Kind.BY_HAND)
    assert (await desk.push(known)).failed == []
    assert [one.key for one in (await desk.live("bel-list")).terms if one.id == tree.id] == ["x/oak"]
    assert (await desk.plan(known)).writes == 0


async def test_an_offices_set_alone_reads_the_set_it_reuses_from(desk: Desk):
    await desk.push(with_layers(), "x")
    done = await desk.push(with_layers(), "bel-list")
    assert (done.terms, done.reused) == (1, 1)


# Reading -------------------------------------------------------------------------------------------------


async def test_without_a_push_there_are_no_ids(desk: Desk):
    assert await term_push.set_ids(desk.graph, SITE) == {}
    assert await taxonomy.stored(desk.graph, SITE, small()) == small()


async def test_what_people_change_in_the_term_store_counts(desk: Desk):
    await desk.push(small())
    await desk.edit("x/tree", en=Labels(default="Plant", synonyms=("Shrub",)))
    own = await desk.add("Mango tree", under="x/tree")
    stored = await taxonomy.stored(desk.graph, SITE, small())
    assert stored.by_id["x/tree"].labels == {"en": "Plant", "fr": "Arbre"}
    assert stored.by_id["x/tree"].synonyms["en"] == ("Shrub",)
    added = stored.by_id[f"x/{own}"]
    assert (added.label(), added.broader, added.term_id) == ("Mango tree", "x/tree", own)
    words = Vocabulary(stored)
    for text, expected in (("Mango tree", added.id), ("Shrub", "x/tree"), ("Arbre", "x/tree")):
        found = words.suggest(from_text(f"{text}. {text}. {text}."))
        assert [one.concept_id for one in found] == [expected]
    assert await term_push.missing(desk.graph, SITE, small()) == []


async def people_only(m365: M365) -> None:
    async with httpx.AsyncClient(base_url=m365.base_url) as http:
        answer = await http.put("/_local/faults/term_store_people_only", json={})
        assert answer.status_code == 200, answer.text


@pytest.fixture
def read_each_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """As if the copy were always too old."""
    monkeypatch.setattr(term_pull, "JUST_READ", timedelta(0))


@pytest.mark.usefixtures("read_each_time")
async def test_the_copy_serves_where_the_term_store_refuses_the_app(
    desk: Desk, m365: M365, caplog: pytest.LogCaptureFixture
):
    await desk.push(small())
    copy = desk.home / taxonomy.CACHE
    before = await taxonomy.stored(desk.graph, SITE, small(), cache=copy)
    await people_only(m365)
    assert await taxonomy.stored(desk.graph, SITE, small(), cache=copy) == before
    assert "less than a minute old" in caplog.text
    pulled = await desk.pull(small())
    assert pulled.refused and pulled.taxonomy == before
    made = await desk.plan(small(concept("bush", "Bush")))
    assert made.refused and made.writes == 1
    with pytest.raises(Forbidden):
        await desk.push(small(concept("bush", "Bush")))
    copy.write_text("[{", encoding="utf-8")
    for refused in (desk.pull(small()), taxonomy.stored(desk.graph, SITE, small(), cache=copy)):
        with pytest.raises(Forbidden):
            await refused


@pytest.mark.usefixtures("read_each_time")
async def test_the_copy_serves_where_the_term_store_has_no_time_for_us(
    desk: Desk, m365: M365, caplog: pytest.LogCaptureFixture
):
    await desk.push(small())
    copy = desk.home / taxonomy.CACHE
    before = await taxonomy.stored(desk.graph, SITE, small(), cache=copy)
    busy = {"verb": "GET", "path": "*termStore*", "status": 429, "retry_after_s": 3600, "times": 2}
    async with httpx.AsyncClient(base_url=m365.base_url) as http:
        (await http.put("/_local/faults/next_requests", json=busy)).raise_for_status()
    assert await taxonomy.stored(desk.graph, SITE, small(), cache=copy) == before
    assert "has no room for us now" in caplog.text
    copy.unlink()
    with pytest.raises(Throttled):
        await taxonomy.stored(desk.graph, SITE, small(), cache=copy)


async def test_a_large_term_store_is_read_once_a_day(desk: Desk, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(term_pull, "LARGE", 2)
    await desk.push(small())
    cache = desk.home / taxonomy.CACHE
    await desk.edit("x/tree", en=Labels(default="Plant"))
    assert (await taxonomy.stored(desk.graph, SITE, small(), cache=cache)).by_id["x/tree"].label() == "Tree"
    await desk.pull(small())
    assert (await taxonomy.stored(desk.graph, SITE, small(), cache=cache)).by_id["x/tree"].label() == "Plant"


async def test_of_a_large_term_store_a_push_reads_only_what_it_concerns(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(term_push, "LARGE", 2)
    bush = concept("bush", "Bush")
    await desk.push(small(bush, concept("moss", "Moss")))
    await desk.edit("x/tree", en=Labels(default="Plant"))
    await desk.edit("x/bush", en=Labels(default="Shrub"))
    ours = small(replace(bush, labels={"en": "Hedge"}), concept("moss", "Mosses"), concept("new", "New"))
    walked = []

    async def read_set(*_: Any, **__: Any) -> None:
        walked.append(1)

    monkeypatch.setattr(terms, "read_set", read_set)
    made = await desk.plan(ours)
    assert walked == []
    assert lines(made) == [(Kind.CONFLICT, "x/bush"), (Kind.CHANGED, "x/moss"), (Kind.NEW, "x/new")]
    done = await desk.push(ours)
    assert (done.changed, done.terms) == (1, 1)
    monkeypatch.undo()
    assert lines(await desk.plan(ours)) == [(Kind.KEPT, "x/tree"), (Kind.CONFLICT, "x/bush")]


async def test_a_copy_comes_back_as_it_was_kept(desk: Desk):
    await desk.push(small(tree=replace(TREE, definitions={"en": "Has a trunk."})))
    read = await term_pull.read(desk.graph, SITE)
    file = desk.home / "copy"
    term_copy.keep(file, read)
    assert term_copy.recall(file) == read
    assert term_copy.recall(desk.home / "nothing") is None


@pytest.mark.usefixtures("read_each_time")
async def test_terms_that_people_made_are_listed_after_the_next_reading(desk: Desk):
    await desk.push(small())
    cache = desk.home / taxonomy.CACHE
    await desk.add("Mango tree", under="x/tree")
    assert not taxonomy.last_stored(small(), cache=cache).by_key["x"].matching("mango")
    await taxonomy.stored(desk.graph, SITE, small(), cache=cache)
    (mango,) = taxonomy.last_stored(small(), cache=cache).by_key["x"].matching("mango")
    assert (mango.label(), mango.broader) == ("Mango tree", "x/tree")


async def test_what_was_just_read_is_not_read_again_by_the_next_command(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
):
    await desk.push(small())
    cache = desk.home / taxonomy.CACHE
    await taxonomy.stored(desk.graph, SITE, small(), cache=cache)
    await desk.edit("x/tree", en=Labels(default="Plant"))
    assert (await taxonomy.stored(desk.graph, SITE, small(), cache=cache)).by_id["x/tree"].label() == "Tree"
    monkeypatch.setattr(term_pull, "JUST_READ", timedelta(0))
    assert (await taxonomy.stored(desk.graph, SITE, small(), cache=cache)).by_id["x/tree"].label() == "Plant"


async def test_the_copy_of_another_tenant_serves_nobody(desk: Desk, m365: M365):
    await desk.push(small())
    cache = desk.home / taxonomy.CACHE
    (copy,) = [term_copy.recall(cache)]
    assert copy
    term_copy.keep(cache, replace(copy, site_id="elsewhere.example,1,2"))
    await people_only(m365)
    with pytest.raises(Forbidden):
        await taxonomy.stored(desk.graph, SITE, small(), cache=cache)
