"""msgraph-sdk on our own client, for typed calls where volume is low.

The SDK gets our httpx client, so its calls pass the same governor, connections and kept token. Its own
retrying is off: the governor does that once, and also for uploads, which the SDK never retries. Its
User-Agent suffix is off: SharePoint reads the decoration. Plain calls skip the SDK's middleware, which
acts only on requests its adapter made (msgraph_core.middleware.AsyncGraphTransport).
"""

import asyncio
import importlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import httpx

from km365.errors import GraphError, GraphUnreachable
from km365.graph.auth import cloud_of
from km365.graph.refusals import refusal

if TYPE_CHECKING:
    from msgraph import GraphServiceClient

    from km365.graph.client import Graph


def build(graph: "Graph") -> "GraphServiceClient":
    """A GraphServiceClient whose every request passes `graph`'s governor. Importing takes about a second."""
    # imported here, so that commands without a typed call do not pay for it
    from kiota_authentication_azure.azure_identity_authentication_provider import (  # noqa: PLC0415
        AzureIdentityAuthenticationProvider,
    )
    from kiota_http.middleware.options import RetryHandlerOption, UserAgentHandlerOption  # noqa: PLC0415
    from msgraph import GraphServiceClient  # noqa: PLC0415
    from msgraph.graph_request_adapter import GraphRequestAdapter, options  # noqa: PLC0415
    from msgraph_core import GraphClientFactory  # noqa: PLC0415

    ours = {
        **options,
        RetryHandlerOption.get_key(): RetryHandlerOption(max_retries=0, should_retry=False),
        UserAgentHandlerOption.get_key(): UserAgentHandlerOption(enabled=False),
    }
    http = GraphClientFactory.create_with_default_middleware(options=ours, client=graph.http)
    # scopes are given, or they would become the host's own (http://127.0.0.1/.default)
    sign_in = AzureIdentityAuthenticationProvider(graph.tokens, scopes=[cloud_of(graph.base_url).scope])
    adapter = GraphRequestAdapter(sign_in, client=http)
    adapter.base_url = graph.base_url  # only after construction does it stay
    return GraphServiceClient(request_adapter=adapter)


async def prepare(graph: "Graph", models: Sequence[str] = ()) -> "GraphServiceClient":
    """The SDK, imported in a thread so that conversations go on meanwhile.

    `models` are modules under msgraph.generated.models; parsing the first answer of a model imports some
    1,300 more, which this does ahead.
    """
    await asyncio.to_thread(_import, models)
    return graph.sdk


def _import(models: Sequence[str]) -> None:
    importlib.import_module("msgraph.graph_service_client")
    for name in models:
        module = importlib.import_module(f"msgraph.generated.models.{name}")
        model = getattr(module, "".join(word.capitalize() for word in name.split("_")))
        model().get_field_deserializers()


@contextmanager
def our_errors(method: str, path: str) -> Iterator[None]:
    """Turns the SDK's refusals inside the block into our errors; `path` says what the call is about."""
    try:
        yield
    except httpx.HTTPError as error:
        raise GraphUnreachable(f"Graph does not answer ({type(error).__name__}).") from None
    except Exception as error:
        status = getattr(error, "response_status_code", None)
        if not status:
            raise
        raise _refusal(error, int(status), method, path) from None


def _refusal(error: Exception, status: int, method: str, path: str) -> GraphError:
    told: Any = getattr(error, "error", None)
    inner: Any = getattr(told, "inner_error", None)
    body = {
        "error": {
            "code": getattr(told, "code", None),
            "message": getattr(told, "message", None),
            "innerError": {"request-id": getattr(inner, "request_id", None)},
        }
    }
    headers = httpx.Headers(dict(getattr(error, "response_headers", None) or {}))
    return refusal(status=status, headers=headers, body=body, method=method, url=path)
