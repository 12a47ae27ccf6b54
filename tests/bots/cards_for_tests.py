"""One card of every kind, filled as the conversation fills it."""

from typing import Any

from km365.core.chat import Card

DATA: dict[str, dict[str, Any]] = {
    "question": {
        "title": "Mid-term review",
        "progress": "2 of 8",
        "ask": "Which risk surprised you?",
        "hint": "One event is enough.",
        "who_reads": "your office",
        "value": "",
        "max_length": 4000,
    },
    "consent": {
        "title": "Before we begin",
        "text": "This is voluntary.",
        "purpose": "So that your successor can begin well.",
        "audience": "Your successor and your supervisor.",
        "keeping": "Twelve months.",
    },
    "invitation": {
        "title": "What did the mid-term review teach you?",
        "text": "Ardania, 2022-2026.",
        "minutes": "About 10 minutes",
        "due": "27 November",
    },
    "draft": {
        "title": "Your lesson",
        "fields": [
            {
                "key": "title",
                "label": "Title",
                "value": "Ask the nurses first",
                "multiline": False,
                "required": True,
            },
            {
                "key": "context",
                "label": "Context",
                "value": "Two districts.\nRainy season.",
                "multiline": True,
            },
        ],
        "advice": ["What a reader may miss.", "Title (1): Nobody would say the *opposite*.", "[a](b)?"],
    },
    "note": {
        "title": "Handover note",
        "sections": [
            {"heading": "Work in flight", "lines": ["The *cold chain* order", "[a](http://x.example)"]}
        ],
        "download_url": "https://childrensagency.sharepoint.example/note.docx",
    },
    "notice": {
        "title": "A handover note was filed",
        "text": "For the post of Programme Officer.",
        "facts": [{"label": "Office", "value": "Ardania"}],
        "link": "https://childrensagency.sharepoint.example/x",
    },
}


def card(name: str, language: str = "en", **changes: Any) -> Card:
    """A card of that kind."""
    return Card(
        name=name,
        data={**DATA[name], **changes},
        language=language,
        token="t0ken",
        interview="i1",
        question="risk",
    )
