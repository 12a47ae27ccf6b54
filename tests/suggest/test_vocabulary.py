"""Which terms a text is about: what a reader would say, in seven languages, with the words that say so."""

import re
from datetime import UTC, datetime
from functools import cache

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from km365.core.feedback import Corrections, Feedback, Verdict
from km365.core.passages import Kind, Passage
from km365.core.tagging import Suggestion, from_text
from km365.core.taxonomy import Concept, Evidence, Link, Mode, Rule, Status, Taxonomy, TermSet
from km365.core.text import key
from km365.services.taxonomy import shipped
from km365.suggest.vocabulary import Vocabulary
from km365.templates import Templates


@cache
def shipped_words() -> Vocabulary:
    return Vocabulary(shipped(Templates()))


def concept(concept_id: str, *labels: str, language: str = "en", **more) -> Concept:
    return Concept(
        id=concept_id,
        labels={language: labels[0]},
        synonyms={language: labels[1:]} if labels[1:] else {},
        **more,
    )


def vocabulary(*concepts: Concept, rule: Rule | None = None, key: str = "t") -> Vocabulary:
    return Vocabulary(
        Taxonomy(term_sets=(TermSet(key=key, names={}, concepts=concepts, rule=rule or Rule()),))
    )


def ids(found: list[Suggestion]) -> list[str]:
    return [one.concept_id for one in found]


SAME_IN_SEVEN_LANGUAGES = {
    "en": "Cash transfers helped families. Cash transfers reached children with disabilities.",
    "fr": "Les transferts monétaires ont aidé les familles. Les transferts monétaires sont allés aux enfants "
    "handicapés.",
    "es": "Las transferencias monetarias ayudaron a las familias. Las transferencias monetarias llegaron a "
    "los niños con discapacidad.",
    "ar": "ساعدت التحويلات النقدية الأسر. وصلت التحويلات النقدية إلى الأطفال ذوي الإعاقة.",
    "ru": "Денежные выплаты помогли семьям. Денежные выплаты получили дети с инвалидностью.",
    "zh": "现金转移帮助了家庭。现金转移惠及残疾儿童。",
    "pt": "As transferências monetárias ajudaram as famílias. As transferências monetárias chegaram às "
    "crianças com deficiência.",
}


@pytest.mark.parametrize("language", SAME_IN_SEVEN_LANGUAGES)
def test_the_same_text_gets_the_same_terms_in_every_language(language: str):
    found = shipped_words().suggest(
        from_text(SAME_IN_SEVEN_LANGUAGES[language]),
        facets=["goal-area", "topic", "cross-cutting", "intervention"],
    )
    assert set(ids(found)) == {
        "goal-area/5",
        "topic/cash-transfers",
        "topic/children-with-disabilities",
        "cross-cutting/disability",
        "intervention/cash",
    }


@pytest.mark.parametrize(
    ("title", "countries"),
    [
        ("Cold chain in Jordan and Guinea-Bissau", {"country/jor", "country/gnb"}),
        ("Enseignements de la République démocratique du Congo", {"country/cod"}),
        ("西非：索马里的经验", {"country/som"}),
        ("Réunion de coordination au Tchad", {"country/tcd"}),
        ("Для того чтобы доставка грузов была в срок", set()),
        ("الموارد المالية لمدارس البنين", set()),
    ],
)
def test_a_country_is_found_by_its_name_and_not_by_words_like_it(title: str, countries: set[str]):
    found = shipped_words().suggest(from_text("…", title=title), facets=["country"])
    assert set(ids(found)) == countries


def test_an_older_goal_area_and_a_numbered_sdg_are_found_beside_the_goal_area_of_today():
    found = shipped_words().suggest(
        from_text("Every child learns in Kenya, by SDG 4.", title="SDG 4: every child learns"),
        facets=["goal-area", "goal-area-2018", "sdg"],
    )
    assert set(ids(found)) == {"goal-area/2", "goal-area-2018/2", "sdg/4"}


def test_a_score_does_not_depend_on_which_columns_are_to_be_filled():
    text = from_text(
        "Cluster protection. Case management of gender-based violence. " * 3 + "Child protection."
    )
    every = {one.concept_id: one.score for one in shipped_words().suggest(text)}
    topics = shipped_words().suggest(text, facets=["topic"])
    assert topics and all(every[one.concept_id] == one.score for one in topics)


def test_the_words_are_quoted_as_written_with_their_place():
    text = "We vaccinated 300 children. Cold-chain boxes were full."
    found = vocabulary(concept("cc", "Cold chain"), rule=Rule(threshold=0)).suggest(
        [Passage(text=text, place="page 2")]
    )
    assert (found[0].words, found[0].places, found[0].count) == (("Cold-chain",), ("page 2",), 1)


def test_the_longest_label_wins_in_a_term_set_and_other_sets_read_the_same_words():
    taxonomy = Taxonomy(
        term_sets=(
            TermSet(
                key="a", names={}, concepts=(concept("a/1", "child protection"), concept("a/2", "child"))
            ),
            TermSet(key="b", names={}, concepts=(concept("b/1", "protection committee"),)),
        )
    )
    found = Vocabulary(taxonomy).suggest(from_text("The child protection committee met."))
    assert ids(found) == ["a/1", "b/1"]


def test_a_phrase_does_not_cross_a_full_stop_but_a_comma_in_the_label_may_stay():
    words_known = vocabulary(
        concept("cp", "child protection"), concept("wsh", "Water, sanitation and hygiene")
    )
    assert ids(words_known.suggest(from_text("It was for the child. Protection came late."))) == []
    assert ids(words_known.suggest(from_text("Water, sanitation and hygiene for all."))) == ["wsh"]
    assert ids(words_known.suggest(from_text("Water sanitation hygiene for all."))) == ["wsh"]


def test_an_acronym_must_be_written_as_one():
    known = vocabulary(concept("hiv", "AIDS"), concept("who", "WHO"))
    assert ids(known.suggest(from_text("She aids a child who left."))) == []
    assert ids(known.suggest(from_text("A review of AIDS programmes"))) == ["hiv"]
    assert ids(known.suggest(from_text("PEOPLE WHO LEARN FROM AIDS PROGRAMMES"))) == []


def test_a_single_word_of_another_language_is_a_false_friend():
    known = vocabulary(concept("date", "data", language="pt"), concept("facts", "data and evidence"))
    english = "The data of the survey were not in the report that we have read."
    assert ids(known.suggest(from_text(english))) == []


def test_a_passing_mention_in_a_long_text_is_not_a_subject():
    known = vocabulary(concept("wash", "sanitation"), concept("learn", "learning recovery"))
    passing = ["We spoke of many things on the way to the district office that day."] * 40
    text = "\n".join(["Learning recovery was tried.", *passing[:20], "Learning recovery costs little."])
    text += "\n".join([*passing, "There was a poster on sanitation on the wall.", "Learning recovery helps."])
    assert ids(known.suggest(from_text(text))) == ["learn"]


def test_what_only_the_files_name_says_is_less_sure_than_what_the_text_says_too():
    known = vocabulary(concept("m", "monitoring", "budget tracking"), rule=Rule(evidence=Evidence.OPENING))
    name = Passage(text="Budget tracking", kind=Kind.NAME, place="file name")
    body = "Output and section, planned and spent."
    named, said = (
        known.suggest([name, Passage(text=text, place="page 1")])[0].score
        for text in (body, f"Budget tracking. {body}")
    )
    scanned = known.suggest([name])[0].score
    assert 0.5 < named < scanned <= said


def test_an_enumeration_says_little_about_each_of_its_members():
    names = [
        "nutrition",
        "sanitation",
        "vaccination",
        "registration",
        "adaptation",
        "migration",
        "reintegration",
    ]
    known = vocabulary(*(concept(name, name) for name in names))
    assert ids(known.suggest(from_text(f"We tag by {', '.join(names)}."))) == []
    assert ids(known.suggest(from_text("This is about vaccination."))) == ["vaccination"]


def test_what_a_document_is_shows_in_its_opening_and_comes_first_in_the_title():
    known = vocabulary(
        concept("lesson", "lesson", "lesson learned"),
        concept("guide", "how to write"),
        concept("review", "mid-term review"),
        rule=Rule(at_most=1, threshold=0.45, evidence=Evidence.OPENING),
    )
    title = Passage(text="How to write a lesson", kind=Kind.TITLE)
    body = [Passage(text=f"The mid-term review came on day {n} and was long and useful.") for n in range(60)]
    assert ids(known.suggest([title, *body])) == ["guide"]
    far = [Passage(text="Something else was said here, at some length.")] * 30
    assert ids(known.suggest([*far, *body])) == []


@pytest.mark.parametrize(
    "text",
    [
        "What is innovation?\nIt helps children. It may be a product or a process that nobody had tried.",
        "Innovation\nAn innovation means a solution to a problem that nobody had tried before in the place.",
        "L'innovation\nUne innovation désigne une solution que personne n'avait encore essayée dans ce lieu.",
        "¿Qué es una innovación?\nAyuda a los niños, y puede ser un producto o un proceso nuevo en el lugar.",
        "什么是创新\n它帮助儿童，可以是产品，也可以是以前没有人在当地尝试过的工作方法。",
    ],
)
def test_a_page_that_says_what_a_kind_of_document_is_is_none_itself(text: str):
    found = shipped_words().suggest(from_text(text), facets=["document-type"])
    assert "document-type/innovation" not in ids(found)


def test_a_page_that_tells_of_one_is_one():
    for text in ("Innovation: solar fridges\nWe tried them.", "Innovation\nThis innovation is a fridge."):
        found = shipped_words().suggest(from_text(text), facets=["document-type"])
        assert ids(found) == ["document-type/innovation"]


def test_a_russian_name_is_found_in_every_case_and_not_in_common_words():
    names = [
        "Мали",
        "Индия",
        "Южная Корея",
        "Северная Корея",
        "Саудовская Аравия",
        "Новая Зеландия",
        "Того",
        "Шри Ланка",
    ]
    known = vocabulary(
        *(concept(name, name, language="ru") for name in names), rule=Rule(threshold=0.1, at_most=9)
    )
    assert set(ids(known.suggest(from_text("Работа в Мали, в Индии и в Южной Корее.")))) == {
        "Мали",
        "Индия",
        "Южная Корея",
    }
    assert ids(known.suggest(from_text("Для того малые предприятия нужны, того мало."))) == []


def test_a_narrower_subject_speaks_for_the_wider_one_and_says_so():
    taxonomy = Taxonomy(
        term_sets=(
            TermSet(key="goal", names={}, concepts=(concept("goal/1", "Every child thrives"),)),
            TermSet(
                key="topic",
                names={},
                concepts=(concept("topic/vaccines", "vaccination", mapped_to=((Link.BROAD, "goal/1"),)),),
            ),
        )
    )
    found = Vocabulary(taxonomy).suggest(from_text("Vaccination came first. Vaccination worked."))
    assert ids(found) == ["goal/1", "topic/vaccines"]
    assert found[0].via == ("topic/vaccines",)
    assert found[0].words == ("Vaccination",)


def test_old_words_lead_to_the_concept_that_replaced_theirs():
    known = vocabulary(
        concept("new", "child engagement"),
        concept("old", "child participation", status=Status.DEPRECATED, replaced_by="new"),
    )
    found = known.suggest(from_text("Child participation was strong. Child participation grew."))
    assert (ids(found), found[0].via) == (["new"], ("old",))


def test_only_as_many_terms_as_the_rule_allows():
    known = vocabulary(concept("a", "cold chain"), concept("b", "cash transfer"), rule=Rule(at_most=1))
    assert ids(known.suggest(from_text("Cold chain. Cash transfer. Cold chain."))) == ["a"]


def test_quotation_marks_inside_a_quote_are_left_out():
    known = vocabulary(concept("t/1", "documenting innovations"), rule=Rule(threshold=0.1))
    (found,) = known.suggest(from_text("We speak of documenting “innovations” here."))
    assert found.words == ("documenting innovations",)


def test_a_text_without_words_gets_nothing():
    for text in ("", " \n ", "…", "42 17 %"):
        assert shipped_words().suggest(from_text(text)) == []


# Laws ----------------------------------------------------------------------------------------------------

SENTENCES = st.lists(
    st.sampled_from(
        [
            "Cash transfers reached the children with disabilities.",
            "Leçons apprises : la chaîne du froid.",
            "Gestión de casos y protección de la infancia",
            "WASH IN SCHOOLS",
            "إدارة المعرفة والدروس المستفادة",
            "Извлеченные уроки, вакцинация!",
            "儿童保护与营养不良。",
            "Nothing to see here; move along.",
            "(e-learning, KM & AIDS)",
        ]
    ),
    max_size=12,
)
ANY_TEXT = st.one_of(SENTENCES.map("\n".join), st.text(max_size=200))


@given(ANY_TEXT)
@settings(deadline=None)
def test_the_same_text_always_gets_the_same_answer(text: str):
    one = shipped_words().suggest(from_text(text))
    assert Vocabulary.suggest(shipped_words(), from_text(text)) == one
    assert all(0 < suggestion.score <= 1 for suggestion in one)


@given(ANY_TEXT)
@settings(deadline=None)
def test_the_words_quoted_are_in_the_text(text: str):
    passages = from_text(text)
    written = [" ".join(re.sub('["“”„«»]', "", passage.text).split()) for passage in passages]
    for one in shipped_words().suggest(passages):
        assert one.words
        assert all(any(quote in passage for passage in written) for quote in one.words)


@given(ANY_TEXT, st.sampled_from(["never", "deprecated"]))
@settings(deadline=None, max_examples=30)
def test_what_is_closed_for_tagging_is_never_suggested(text: str, closed: str):
    labels = [
        "cash transfers",
        "chaîne du froid",
        "WASH",
        "إدارة المعرفة",
        "вакцинация",
        "儿童保护",
        "see",
        text[:20],
    ]
    more = {"mode": Mode.NEVER} if closed == "never" else {"status": Status.DEPRECATED}
    known = vocabulary(
        *(concept(str(n), label or "x", **more) for n, label in enumerate(labels)), rule=Rule(threshold=0)
    )
    assert known.suggest(from_text(text)) == []


def test_what_another_office_may_use_takes_no_place_from_what_this_one_may():
    everyone = (concept("wells", "Village wells"), concept("pumps", "Hand pumps"))
    own = (concept("bel", "Floating wells", global_parent="wells"),)
    known = Taxonomy(
        term_sets=(TermSet(key="t", names={}, concepts=everyone, rule=Rule(at_most=1)),),
        layers=(TermSet(key="co-bel-t", names={}, concepts=own, extends="t", office="co-bel"),),
    ).everywhere()
    words, text = Vocabulary(known), from_text("Floating wells. Floating wells. Hand pumps too.")
    assert ids(words.suggest(text)) == ids(words.suggest(text, office="co-bel")) == ["bel"]
    assert ids(words.suggest(text, office="co-ard")) == ["pumps"]


TRIP_REPORTS = {
    "en": "Trip report",
    "fr": "Rapport de mission",
    "es": "Informe de misión",
    "ar": "تقرير المهمة",
    "ru": "Отчет о поездке",
    "zh": "出差报告",
    "pt": "Relatório de missão",
}


@pytest.mark.parametrize("language", TRIP_REPORTS)
def test_what_kind_of_document_it_is_says_nothing_of_the_programmes_step(language: str):
    found = shipped_words().suggest(from_text(TRIP_REPORTS[language], title=TRIP_REPORTS[language]))
    assert ids(found) == ["document-type/trip-report"]


@pytest.mark.parametrize("language", ["en", "fr", "es", "ar", "ru", "zh", "pt"])
def test_civil_society_is_no_community_organization(language: str):
    label = shipped_words().taxonomy.by_id["partner-type/civil-society"].labels[language]
    assert ids(shipped_words().suggest(from_text(f"{label}.", title=label))) == ["partner-type/civil-society"]


@pytest.mark.parametrize(
    ("text", "misleading"),
    [
        ("L'enseignement secondaire dans les zones rurales", "document-type/lesson"),
        ("Foundations of early learning", "partner-type/corporate"),
        ("Фонды школьных библиотек", "partner-type/corporate"),
        ("Handing over the keys of the warehouse", "programme-step/closure"),
    ],
)
def test_a_word_that_mostly_means_something_else_gives_no_term(text: str, misleading: str):
    assert misleading not in ids(shipped_words().suggest(from_text(text, title=text)))


def test_words_of_the_text_are_told_from_those_of_the_file_name_also_without_pages():
    name = Passage(text="Cold chain", kind=Kind.NAME, place="file name")
    body = Passage(text="The cold chain was kept.", kind=Kind.BODY)
    words = vocabulary(concept("t/cold", "cold chain"))
    assert words.suggest([name])[0].places == ("file name",)
    assert words.suggest([name, body])[0].places == ("file name", "text")
    assert words.suggest([body])[0].places == ()


def test_the_next_term_takes_the_place_of_one_that_people_said_is_wrong():
    terms = [concept(f"t/{one}", one) for one in ("vaccines", "wells", "roads")]
    words = vocabulary(*terms, rule=Rule(at_most=1, threshold=0.1))
    passages = from_text("Vaccines and vaccines and vaccines. Wells and wells. Roads.")
    assert ids(words.suggest(passages)) == ["t/vaccines"]
    wrong = Feedback(
        concept_id="t/vaccines",
        facet="t",
        verdict=Verdict.WRONG,
        document=("drive", "item"),
        at=datetime(2026, 3, 2, tzinfo=UTC),
        who="ana",
    )
    said = Corrections(by_document={wrong.document: (wrong,)}, muted={"t/wells": frozenset({key("wells")})})
    assert ids(words.suggest(passages, allowed=said.allowed(wrong.document))) == ["t/roads"]
