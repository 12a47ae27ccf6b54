"""What becomes of a send, against a Bot Connector that fails on purpose."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
from km365_bots.connector import (
    Connector,
    ConversationGone,
    DeliveryUnknown,
    NotSent,
    SendRefused,
    TooLarge,
    Unreachable,
    check_service_url,
    open_connector,
)
from km365_bots.pacing import Allowance, Governor, Pace, pace_of

from km365.settings import Settings

from .fake_connector import HANG, FakeConnector, fake_connector

PACE = Pace(per_conversation=((1000, 1.0),), per_tenant=(1000, 1.0), timeout_s=0.5, longest_wait_s=2.0)
HELLO = {"type": "message", "text": "hello"}


async def no_token() -> None:
    return None


@pytest.fixture
async def teams() -> AsyncIterator[FakeConnector]:
    async with fake_connector() as fake:
        yield fake


@pytest.fixture
async def connector() -> AsyncIterator[Connector]:
    async with open_connector(no_token, PACE) as opened:
        yield opened


async def send(connector: Connector, teams: FakeConnector, text: str = "hello") -> str:
    return await connector.send(teams.url, "19:a/b@x", {**HELLO, "text": text}, tenant_id="t")


async def test_a_message_goes_to_the_conversation_and_not_to_the_reply_route(connector, teams):
    assert await send(connector, teams) == "m1"
    assert [call.path for call in teams.calls] == ["/v3/conversations/19:a%2Fb@x/activities"]


async def test_a_message_travels_unescaped_so_that_arabic_stays_small(connector, teams):
    await send(connector, teams, "م" * 1000)
    assert teams.calls[0].size_bytes < 2_200


async def test_the_bots_own_token_is_sent(teams):
    async def token() -> str:
        return "secret-token"

    async with open_connector(token, PACE) as connector:
        await send(connector, teams)
    assert teams.calls[0].authorization == "Bearer secret-token"


async def test_429_is_waited_out_and_sent_once_more(connector, teams):
    teams.script = [(429, {"Retry-After": "0"})]
    assert await send(connector, teams) == "m2"


async def test_a_long_retry_after_is_given_back_as_certainly_not_sent(connector, teams):
    teams.script = [(429, {"Retry-After": "660"})]
    with pytest.raises(NotSent) as refusal:
        await send(connector, teams)
    assert 600 < refusal.value.retry_after_s <= 660
    assert len(teams.calls) == 1


async def test_one_429_makes_every_sender_wait(connector, teams):
    teams.script = [(429, {"Retry-After": "660"})]
    with pytest.raises(NotSent):
        await send(connector, teams)
    with pytest.raises(NotSent):
        await connector.send(teams.url, "another conversation", HELLO, tenant_id="t")
    assert len(teams.calls) == 1


async def test_retry_after_may_be_a_date(connector, teams):
    later = datetime.now(UTC) + timedelta(minutes=10)
    teams.script = [(429, {"Retry-After": format_datetime(later, usegmt=True)})]
    with pytest.raises(NotSent) as refusal:
        await send(connector, teams)
    assert 500 < refusal.value.retry_after_s <= 600


async def test_429_for_ever_is_not_sent(connector, teams):
    teams.script = [(429, {"Retry-After": "0"})] * 3
    with pytest.raises(NotSent):
        await send(connector, teams)
    assert len(teams.calls) == 3


async def test_412_is_repeated(connector, teams):
    teams.script = [412]
    assert await send(connector, teams) == "m2"


@pytest.mark.parametrize(
    ("status", "outcome"),
    [
        (400, SendRefused),
        (401, NotSent),
        (403, Unreachable),
        (404, ConversationGone),
        (413, TooLarge),
        (500, DeliveryUnknown),
        (502, DeliveryUnknown),
        (503, DeliveryUnknown),
        (504, DeliveryUnknown),
        (302, SendRefused),
    ],
)
async def test_each_refusal_has_its_meaning_and_is_not_repeated(connector, teams, status, outcome):
    teams.script = [status]
    with pytest.raises(outcome):
        await send(connector, teams)
    assert len(teams.calls) == 1


async def test_no_answer_is_unknown_and_not_repeated(connector, teams):
    teams.script = [HANG]
    with pytest.raises(DeliveryUnknown):
        await send(connector, teams)
    assert len(teams.calls) == 1


async def test_nothing_listening_is_certainly_not_sent(connector):
    async with fake_connector() as gone:
        address = gone.url
    with pytest.raises(NotSent):
        await connector.send(address, "c", HELLO, tenant_id="t")


async def test_twenty_sends_are_under_way_together(teams):
    teams.at_once = 20
    async with open_connector(no_token, PACE) as connector:
        await asyncio.gather(*(send(connector, teams, str(n)) for n in range(20)))
    assert teams.most_at_once == 20


async def test_a_card_is_replaced_in_place(connector, teams):
    await connector.update(teams.url, "c", "1700", HELLO, tenant_id="t")
    assert (teams.calls[0].method, teams.calls[0].path) == ("PUT", "/v3/conversations/c/activities/1700")
    assert teams.calls[0].body["id"] == "1700"


async def test_errors_quote_nothing_of_the_message(connector, teams):
    for status in (400, 403, 404, 413, 500):
        teams.script = [status]
        with pytest.raises(Exception) as refusal:
            await send(connector, teams, "my private answer")
        assert "private" not in str(refusal.value)


@pytest.mark.parametrize("address", ["http://127.0.0.1:8365/", "http://localhost:1", "http://[::1]:9/teams"])
def test_without_sign_in_this_machine_may_be_answered(address):
    assert check_service_url(address, signed_in=False) == address.rstrip("/")


@pytest.mark.parametrize(
    "address",
    [
        "https://smba.trafficmanager.net/teams/",
        "http://169.254.169.254/latest",
        "http://127.0.0.1.evil.example/",
        "http://evil.example#127.0.0.1",
        "http://127.0.0.1@evil.example/",
        "http://user@127.0.0.1/",
        "file:///etc/passwd",
        "http://[::1",
        "http://[127.0.0.1]/",
        "",
        None,
        7,
    ],
)
def test_without_sign_in_no_other_address_is_answered(address):
    with pytest.raises(SendRefused):
        check_service_url(address, signed_in=False)


def test_with_sign_in_only_https_is_answered():
    assert check_service_url("https://smba.example/emea/", signed_in=True) == "https://smba.example/emea"
    with pytest.raises(SendRefused):
        check_service_url("http://smba.example/emea/", signed_in=True)


def test_teams_own_limits_are_kept():
    allowance = Allowance(Pace().per_conversation)
    moments = []
    for _ in range(61):
        at = allowance.free_at(0.0 if not moments else moments[-1])
        allowance.take(at)
        moments.append(at)
    for count, seconds in Pace().per_conversation[:3]:
        for first, after in zip(moments, moments[count:], strict=False):
            assert after - first >= seconds
    assert moments[6] == 0.0, "seven may leave at once"
    assert moments[60] == pytest.approx(30.0)


async def test_a_busy_conversation_does_not_hold_up_another():
    governor = Governor(Pace(per_conversation=((1, 60.0),), per_tenant=(100, 1.0)), clock=lambda: 1000.0)
    sends = {"tenant": "t", "patience_s": 5.0}
    assert await governor.admit(conversation="a", **sends) == 0.0
    assert await governor.admit(conversation="a", **sends) == -60.0
    assert await governor.admit(conversation="b", **sends) == 0.0


async def test_idle_conversations_are_forgotten():
    clock = [0.0]
    pace = Pace(per_conversation=((1, 1.0), (1800, 3600.0)), per_tenant=(10_000, 0.001))
    governor = Governor(pace, clock=lambda: clock[0])
    for number in range(12_000):
        clock[0] = float(number)
        await governor.admit(tenant="t", conversation=str(number), patience_s=0.0)
    assert len(governor._conversations) <= 5_000


def test_the_pace_is_set_by_an_administrator():
    assert pace_of(Settings()) == Pace()
    slower = Settings(teams_sends_per_second=5, teams_sends_per_conversation=("1/2", "10/60"))
    assert pace_of(slower) == Pace(per_conversation=((1, 2.0), (10, 60.0)), per_tenant=(5, 1.0))


async def test_what_is_set_for_a_chat_and_for_everybody_is_kept_to(teams):
    """Two a second to one chat, then the sender is told to wait; five to everybody."""
    slow = Pace(per_conversation=((2, 60.0),), per_tenant=(5, 60.0), longest_wait_s=0.0)
    async with open_connector(no_token, slow) as connector:
        for _ in range(2):
            await send(connector, teams)
        with pytest.raises(NotSent):
            await send(connector, teams)
        for number in range(3):
            await connector.send(teams.url, f"chat {number}", HELLO, tenant_id="t")
        with pytest.raises(NotSent):
            await connector.send(teams.url, "another chat", HELLO, tenant_id="t")
        await connector.send(teams.url, "a chat of another tenant", HELLO, tenant_id="another")
    assert len(teams.calls) == 6
