"""What the pages `/campaigns` and `/campaigns/ID` show: how many people stand where, and never who."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from urllib.parse import quote
from zoneinfo import ZoneInfo

from babel.dates import format_date, format_time

from km365.app import App
from km365.core.languages import dates_of
from km365.core.messages import Messages
from km365.core.standing import Stand, told_counts
from km365.documents.messages import Catalogue
from km365.documents.words import Words
from km365.errors import InputRefused, NotFound
from km365.services import campaigns
from km365.services.calendar import hours_of
from km365.services.campaigns import Overview
from km365_bots import campaign_words
from km365_bots.web import Campaign, Fact

_BRIEF = (Stand.ANSWERED, Stand.UNREACHABLE)


class CampaignPages:
    """The milestones' campaigns. Those of departures are about one person each, and are not shown."""

    def __init__(self, app: App, words: Words, catalogue: Catalogue) -> None:
        self._app, self._words, self._catalogue = app, words, catalogue

    async def all(self, language: str) -> Sequence[Campaign]:
        """Those that ask somebody, and those of the last 30 days, the earliest date first."""
        app = self._app
        found = await app.db.run(campaigns.overview, hours_of(app.settings), now=app.clock.now())
        return [self._worded(one, language) for one in found if one.kind == "milestone"]

    async def one(self, campaign_id: str, language: str) -> Campaign:
        """The milestone's campaign with that id. Raises NotFound."""
        app = self._app
        try:
            found = await app.db.run(campaigns.show, campaign_id, hours_of(app.settings))
        except InputRefused as several:
            raise NotFound(str(several)) from None
        if found.kind != "milestone":
            raise NotFound("Only the campaigns of milestones have a page.")
        return self._worded(found, language)

    def _worded(self, one: Overview, language: str) -> Campaign:
        messages = self._catalogue.get(language)
        people = _people(messages, one)
        brief = [(_label(messages, place), people[place]) for place in _BRIEF if place in people]
        coming = self._coming(one, language)
        return Campaign(
            title=one.title,
            office=one.office,
            on=one.due_on,
            state=self._words.get(language, f"state_{one.state}"),
            link=f"/campaigns/{quote(one.id)}",
            brief=[(messages.say("campaign.asked"), str(one.standing.asked)), *brief, *coming[:1]],
            next=coming,
            people=_all_people(messages, one, people),
            reasons=[
                (messages.say(f"campaign.{why.name.lower()}"), str(count))
                for why, count in one.standing.reasons.items()
            ],
        )

    def _coming(self, one: Overview, language: str) -> list[Fact]:
        """What happens next and when: at the office's own time."""
        word, soon = self._words.get, one.next
        if soon is None:
            says = "next_paused" if one.state == "paused" else "next_nothing"
            return [(word(language, "next_at"), word(language, says))]
        steps = (("invitations", soon.invitations), ("reminders", soon.reminders), ("ends", soon.ends))
        coming = [(word(language, f"next_{step}"), str(count)) for step, count in steps if count]
        first = [(word(language, "next_at"), _moment(soon.at, one.zone, language))] if coming else []
        waits = one.standing.waits_until
        if one.standing.messages:
            until = f" ({_moment(waits, one.zone, language)})" if waits else ""
            coming.append((word(language, "next_messages"), f"{one.standing.messages}{until}"))
        closes = format_date(soon.closes_on, format="long", locale=dates_of(language))
        return [*first, *coming, (word(language, "next_closes"), closes)]


def _label(messages: Messages, place: Stand) -> str:
    return messages.say(f"campaign.{place.name.lower()}")


def _people(messages: Messages, one: Overview) -> Mapping[Stand, str]:
    """How many stand where, as far as that may be told."""
    asked = one.standing.asked
    return {
        place: campaign_words.number(messages, place.name.lower(), count, asked, "")
        for place, count in told_counts(one.standing).items()
    }


def _all_people(messages: Messages, one: Overview, people: Mapping[Stand, str]) -> list[Fact]:
    stands = one.standing
    found = [("asked", stands.asked), ("sent", stands.sent)]
    found += [] if stands.names_somebody else [("seen", stands.seen)]
    return [
        *((messages.say(f"campaign.{name}"), str(count)) for name, count in found),
        *((_label(messages, place), text) for place, text in people.items()),
    ]


def _moment(at: datetime, zone: str, language: str) -> str:
    there = at.astimezone(ZoneInfo(zone))
    day = format_date(there, format="full", locale=dates_of(language))
    return f"{day} · {format_time(there, 'short', locale=language)}"
