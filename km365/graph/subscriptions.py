"""Change notifications: Graph tells our address that something changed; a delta then says what.

For watched libraries (`services.tag_listen`): they are looked at within seconds and not only by the clock.
Graph must be able to reach the address.
Typed calls through msgraph-sdk: there are few, made by services that run for weeks. Permission: to read
what is watched. learn.microsoft.com/graph/api/resources/subscription.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Self

from km365.errors import GraphNotFound
from km365.graph import typed
from km365.graph.client import Graph

if TYPE_CHECKING:
    from msgraph.generated.models.subscription import Subscription as SdkSubscription

LONGEST = {"list": timedelta(minutes=42_300), "users": timedelta(minutes=41_760)}
"""How long Graph keeps a subscription to lists and drives, and to users; renew well before."""


@dataclass(frozen=True, kw_only=True)
class Subscription:
    """A subscription; Graph sends to its address until `expires_at`."""

    id: str
    resource: str
    expires_at: datetime

    @classmethod
    def of(cls, raw: "SdkSubscription") -> Self:
        """The subscription in the SDK's answer."""
        expires = raw.expiration_date_time or datetime.now(UTC)
        return cls(id=raw.id or "", resource=raw.resource or "", expires_at=expires.astimezone(UTC))


async def create(
    graph: Graph,
    *,
    resource: str,
    notification_url: str,
    client_state: str,
    expires_at: datetime,
    change_type: str = "updated",
    lifecycle_url: str | None = None,
) -> Subscription:
    """The new subscription. Graph calls `notification_url` back within 10 s, before it answers.

    `client_state` (at most 128 characters) comes with every notification: compare it. Lists and drives
    know `updated` only. `lifecycle_url` cannot be added later.
    """
    sdk = await typed.prepare(graph, ["subscription"])
    from msgraph.generated.models.subscription import Subscription as Body  # noqa: PLC0415  (as in typed)

    wanted = Body(
        change_type=change_type,
        notification_url=notification_url,
        resource=resource,
        expiration_date_time=expires_at,
        client_state=client_state,
        lifecycle_notification_url=lifecycle_url,
    )
    with typed.our_errors("POST", "/subscriptions"):
        return Subscription.of(await sdk.subscriptions.post(wanted))


async def renew(graph: Graph, subscription_id: str, *, expires_at: datetime) -> Subscription:
    """The subscription with its new end. Raises GraphNotFound when Graph has dropped it: create it again."""
    sdk = await typed.prepare(graph, ["subscription"])
    from msgraph.generated.models.subscription import Subscription as Body  # noqa: PLC0415  (as in typed)

    with typed.our_errors("PATCH", "/subscriptions"):
        changed = await sdk.subscriptions.by_subscription_id(subscription_id).patch(
            Body(expiration_date_time=expires_at)
        )
        return Subscription.of(changed)


async def list_(graph: Graph) -> list[Subscription]:
    """This app's subscriptions; page by page, because the SDK's iterator stops at an empty page."""
    sdk = await typed.prepare(graph, ["subscription_collection_response"])
    found: list[Subscription] = []
    with typed.our_errors("GET", "/subscriptions"):
        page = await sdk.subscriptions.get()
        while page is not None:
            found += [Subscription.of(one) for one in page.value or []]
            link = page.odata_next_link
            page = await sdk.subscriptions.with_url(link).get() if link else None
    return found


async def delete(graph: Graph, subscription_id: str) -> None:
    """No notifications come any more, also when none came before."""
    sdk = await typed.prepare(graph, ["subscription"])
    try:
        with typed.our_errors("DELETE", "/subscriptions"):
            await sdk.subscriptions.by_subscription_id(subscription_id).delete()
    except GraphNotFound:
        return
