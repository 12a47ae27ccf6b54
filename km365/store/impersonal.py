"""Our tables that hold nothing by which a person could be found; the others are in `personal_places`."""

from collections.abc import Mapping

from sqlalchemy import Table

from km365.store import tables as t

_TAG = "terms of documents, as SharePoint or a plan has them; an account name of this machine for who ran it"
NOTHING: Mapping[Table, tuple[str, tuple[str, ...]]] = {
    t.secret: ("our own secrets", ("name", "value")),
    t.cursor: ("bookmarks, and a digest of who is meant to open a library", ("name", "value")),
    t.activity: ("ids of activities seen, for seven days", ("id",)),
    t.run: (_TAG, ("id", "kind", "plan_sha", "undoes", "what", "who", "state", "begun")),
    t.change: (
        _TAG,
        (
            *("run_id", "drive_id", "item_id", "name", "old", "new", "etag", "etag_after", "state"),
            *("reason", "cause", "comment"),
        ),
    ),
    t.example: (
        "counted words of documents, not of who wrote them",
        ("drive_id", "item_id", "path", "language", "ctag", "words", "phrases"),
    ),
    t.proposal: ("synonyms", ("id", "kind", "concept_id", "language", "text", "decision", "who")),
    t.watch: (
        "watched libraries",
        (
            *("drive_id", "site", "library", "delta_link", "subscription_id", "client_state", "applying"),
            *("problem", "not_told"),
        ),
    ),
    t.watched_file: (
        "documents of watched libraries",
        ("drive_id", "item_id", "path", "ctag", "state", "note", "queued", "corrected"),
    ),
    t.ru_account: ("what calls cost", ("service", "value")),
    t.planned: ("documents of a plan", ("drive_id", "item_id", "ctag", "terms", "plan")),
    t.headline_list: ("that a milestone was looked at", ("campaign_id", "language", "summary")),
    t.read: ("that a lesson was put before somebody, never whom", ("item_id",)),
    t.push: ("documents that lessons were looked for", ("drive_id", "item_id")),
    t.search_source: (
        "libraries and lists that are searched",
        ("container", "site", "office", "name", "shelf", "link", "problem"),
    ),
    t.search_entry: (
        "what SharePoint holds, made anew from it",
        (
            *("container", "item_id", "state", "shelf", "kind", "office", "language", "title", "web_url"),
            *("mark", "tags", "note"),
        ),
    ),
    t.loop_item: (
        "what SharePoint holds, made anew from it",
        ("container", "item_id", "km_id", "office", "maturity", "effect"),
    ),
    t.search_text: ("what SharePoint holds, made anew from it", ("sentences", "words")),
    t.search_meaning: ("what SharePoint holds, made anew from it", ("shelf", "mark", "vector")),
    t.search_word: ("what SharePoint holds, made anew from it", ("word", "shelf", "entries")),
}
"""Tables with nothing by which a person could be found: what they hold, and their columns of text."""
