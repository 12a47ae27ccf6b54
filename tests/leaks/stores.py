"""Every store and every way out of the product: which answers may be found there, for whom, and why.

What is generated from the product (tables, commands, routes, files) is compared with these names, so that a
new store fails until somebody has said here what it may hold.
"""

from km365.core.audience import Audience

EVERYONE, OFFICE, CLOSE, ALONE, NEVER = Audience

# Our database ----------------------------------------------------------------------------------------------

ANSWERS = {"km_answer": (EVERYONE, OFFICE, CLOSE, ALONE)}
"""Tables that hold what was said in the chat, until it expires, is taken back or erased; X never."""

ITEMS = {
    "km_search_entry": (EVERYONE, OFFICE),  # titles and sentences that search shows
    "km_search_text": (EVERYONE, OFFICE),
    "km_search_word": (EVERYONE, OFFICE),
    "km_search_meaning": (EVERYONE, OFFICE),
    "km_message": (EVERYONE,),  # titles of items that were handed on or decided
}
"""Tables that hold what became a knowledge item; the index holds none that fewer than an office may read."""

NOTHING = frozenset(
    {
        "km_account",
        "km_alumni_line",
        "km_alumni_question",
        "km_handover_gap",
        "km_activity",
        "km_address",
        "km_campaign",
        "km_change",
        "km_conversation",
        "km_cursor",
        "km_duty_station",
        "km_event",
        "km_example",
        "km_feedback",
        "km_group_reflection",
        "km_handover_facts",
        "km_headline",
        "km_headline_list",
        "km_interview",
        "km_job",
        "km_loop_item",
        "km_loss_factor",
        "km_move",
        "km_outlook_event",
        "km_planned",
        "km_preference",
        "km_prompt",
        "km_proposal",
        "km_push",
        "km_read",
        "km_reply",
        "km_ru_account",
        "km_run",
        "km_search_source",
        "km_secret",
        "km_still_true",
        "km_term_ask",
        "km_term_request",
        "km_turn",
        "km_use",
        "km_version",
        "km_watch",
        "km_watched_file",
        "km_wish",
    }
)
"""Tables in which no word of an answer stands, though some hold words of people."""

# Microsoft 365 ---------------------------------------------------------------------------------------------

THEIRS = {
    "item": (EVERYONE, OFFICE),  # the list Knowledge, which whoever may open the knowledge site reads
    "blob_part": (EVERYONE, OFFICE, CLOSE),  # the note in the restricted library
}
"""Where Microsoft 365 holds answers, beside the chat of the person who gave them."""

# Commands --------------------------------------------------------------------------------------------------

GROUP = "a group of commands"
CHANGES = "changes something, and says no more than what it changed"
ELSEWHERE = "reads documents, terms or files that no answer goes to"
REFLECTED = "shows what was said at milestones, as tests/services/test_headlines.py looks at it"
THEIR_OWN = "gives out all that is held of one person, to be given to that person alone"

WHO = "{who}"
"""Stands for the sign-in name of each colleague in turn."""

COMMANDS: dict[str, str | tuple[tuple[str, ...], ...]] = {
    "ask": (
        ("ask", "clerk register cupboard", "--as", WHO, "--json"),
        ("ask", "clerk register cupboard", "--as", "{eve}", "-o", "{file}.docx"),
        ("ask", "clerk register cupboard", "--as", "{eve}", "-o", "{file}.html"),
    ),
    "bot": GROUP,
    "bot package": ELSEWHERE,
    "bot people": (("bot", "people", "--all", "--json"),),
    "campaign": GROUP,
    "campaign cancel": CHANGES,
    "campaign list": (("campaign", "list", "--all", "--json"),),
    "campaign pause": CHANGES,
    "campaign resume": CHANGES,
    "campaign show": (("campaign", "show", "{campaign}", "--json"),),
    "compendium": GROUP,
    "compendium build": (
        ("compendium", "build", "-o", "{file}.docx"),
        ("compendium", "build", "-o", "{file}.html"),
    ),
    "compendium plan": (("compendium", "plan", "-o", "{file}.toml", "--json"),),
    "departure": GROUP,
    "departure import": CHANGES,
    "departure list": (("departure", "list", "--json"),),
    "departure show": (("departure", "show", "{ann}", "--json"),),
    "doctor": ELSEWHERE,
    "flow": GROUP,
    "flow list": (("flow", "list", "--json"),),
    "flow pause": CHANGES,
    "flow resume": CHANGES,
    "flow run": CHANGES,
    "handover": GROUP,
    "handover erase": (("handover", "erase", "{ann}", "--json"),),
    "handover export": THEIR_OWN,
    "handover gaps": (("handover", "gaps", "{ann}", "--as", WHO, "--json"),),
    "handover line": (("handover", "line", "{ann}", "--json"),),
    "handover list": (("handover", "list", "--json"),),
    "handover show": (("handover", "show", "{ann}", "--json"),),
    "handover note": (("handover", "note", "{ann}", "--as", WHO, "-o", "{file}.docx"),),
    "handover pack": (
        ("handover", "pack", "{ann}", "--as", "{eve}", "--json"),
        ("handover", "pack", "{ann}", "--as", WHO, "-o", "{file}.docx"),
    ),
    "handover plan": (("handover", "plan", "{ann}", "--as", WHO, "--json"), ("handover", "plan", "{ann}")),
    "headline": GROUP,
    "headline choose": CHANGES,
    "headline drop": CHANGES,
    "headline list": REFLECTED,
    "headline show": REFLECTED,
    "headline undo": CHANGES,
    "lesson": GROUP,
    "lesson answer": CHANGES,
    "lesson ask-consent": CHANGES,
    "lesson check": (("lesson", "check", "{item}", "--as", WHO, "--json"),),
    "lesson edit": CHANGES,
    "lesson effect": CHANGES,
    "lesson export": (
        ("lesson", "export", "-o", "{file}.csv", "--as", WHO),
        ("lesson", "export", "-o", "{file}.json", "--as", WHO),
    ),
    "lesson link": CHANGES,
    "lesson list": (("lesson", "list", "--as", WHO, "--json"),),
    "lesson promote": CHANGES,
    "lesson proposals": (("lesson", "proposals", "--as", WHO, "--json"),),
    "lesson publish": CHANGES,
    "lesson retire": CHANGES,
    "lesson return": CHANGES,
    "lesson review": CHANGES,
    "lesson settle": CHANGES,
    "lesson show": (("lesson", "show", "{item}", "--as", WHO, "--json"),),
    "lesson similar": (("lesson", "similar", "{item}", "--as", "{eve}", "--json"),),
    "lesson sla": (("lesson", "sla", "--as", WHO, "--json"),),
    "lesson supersede": CHANGES,
    "lesson used": CHANGES,
    "lesson validate": CHANGES,
    "message": GROUP,
    "message list": (("message", "list", "--json"),),
    "message resend": CHANGES,
    "milestone": GROUP,
    "milestone cycles": ELSEWHERE,
    "milestone export": (("milestone", "export", "{file}.xlsx"),),
    "milestone import": CHANGES,
    "milestone list": (("milestone", "list", "--json"),),
    "milestone plan": ELSEWHERE,
    "milestone preview": (("milestone", "preview", "--all-due", "--json"),),
    "milestone show": ELSEWHERE,
    "milestone timeline": ELSEWHERE,
    "provision": GROUP,
    "provision apply": CHANGES,
    "provision plan": ELSEWHERE,
    "questions": GROUP,
    "questions check": ELSEWHERE,
    "questions try": ELSEWHERE,
    "report": GROUP,
    "report loop": (("report", "loop", "--json"), ("report", "loop", "-o", "{file}.html")),
    "search": GROUP,
    "search index": (("search", "index", "--json"),),
    "search query": (("search", "query", "clerk register cupboard", "--as", WHO, "--json"),),
    "settings": GROUP,
    "settings show": ELSEWHERE,
    "tag": GROUP,
    "tag apply": CHANGES,
    "tag convert": ELSEWHERE,
    "tag evaluate": ELSEWHERE,
    "tag feedback": GROUP,
    "tag feedback add": CHANGES,
    "tag feedback forget": CHANGES,
    "tag feedback list": (("tag", "feedback", "list", "--json"),),
    "tag feedback report": (("tag", "feedback", "report", "--json"),),
    "tag history": ELSEWHERE,
    "tag learn": CHANGES,
    "tag list": (("tag", "list", "--json"),),
    "tag plan": ELSEWHERE,
    "tag predict": ELSEWHERE,
    "tag report": ELSEWHERE,
    "tag review": ELSEWHERE,
    "tag show": ELSEWHERE,
    "tag undo": CHANGES,
    "tag watch": CHANGES,
    "taxonomy": GROUP,
    "taxonomy check": ELSEWHERE,
    "taxonomy deprecate": CHANGES,
    "taxonomy diff": ELSEWHERE,
    "taxonomy export": ELSEWHERE,
    "taxonomy import": CHANGES,
    "taxonomy list": ELSEWHERE,
    "taxonomy merge": CHANGES,
    "taxonomy pull": ELSEWHERE,
    "taxonomy push": CHANGES,
    "taxonomy request": GROUP,
    "taxonomy request accept": CHANGES,
    "taxonomy request add": CHANGES,
    "taxonomy request decline": CHANGES,
    "taxonomy request list": (("taxonomy", "request", "list", "--all", "--json"),),
    "taxonomy retag": CHANGES,
    "taxonomy synonyms": GROUP,
    "taxonomy synonyms accept": CHANGES,
    "taxonomy synonyms list": (("taxonomy", "synonyms", "list", "--json"),),
    "taxonomy synonyms reject": CHANGES,
    "up": ELSEWHERE,
    "worker": ELSEWHERE,
}
"""What is typed to read everything. Without somebody who reads, no more is shown than everyone may read."""

# The chat --------------------------------------------------------------------------------------------------

TYPED = (
    "handover notes",
    "1 read",
    "my pack",
    "ask the note who keeps the register in the blue cupboard",
    "open gaps",
    "look for clerk register cupboard",
    "everything known on clerk register cupboard",
    "my contributions",
    "what waits for me",
    "questions to me",
    "what was left for me",
    "named readers",
)
"""What colleagues type to be shown what others said."""

# Pages and doors -------------------------------------------------------------------------------------------

PAGES = frozenset({"/", "/campaigns", "/campaigns/{id}", "/loop", "/privacy", "/healthz"})
"""What is read by whoever may open it: never an answer."""

DOORS = frozenset({"/api/messages", "/notifications", "/workspace.css", "/icon.svg"})
"""What only hears, and files that are the same for everybody."""

# Files of the home folder ----------------------------------------------------------------------------------

FILES = (
    "km365.sqlite",  # our database, looked at by table
    "m365.sqlite",  # the small Microsoft 365, looked at by table
    "copies/*.sqlite",  # daily copies of our database, which go two weeks later
    "*.runner*",  # who does the jobs
    "locks/*",
    "indexes/*",  # the words of terms
    "term-store*.json",
    "learned/*",
    "*.key",
)
"""What may lie in the home folder. None but the databases and their copies holds a word of an answer."""
