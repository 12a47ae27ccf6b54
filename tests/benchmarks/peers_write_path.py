"""What `bench_write_path.py` measures against, run by an interpreter that has the peers installed.

    python peers_write_path.py PEER PORT

reads a number of items a line from stdin and answers with the CPU seconds that PATCHing them took, or with
one line that begins with "absent". The peers' own clients are used as their documentation shows them.
"""

import asyncio
import sys
import time
from collections.abc import Awaitable, Callable
from typing import Any

NOTE = "-1;#Water|11111111-1111-4111-8111-111111111111"
Way = Callable[[int], Awaitable[None]]


class Token:
    async def get_token(self, *scopes: str, **kwargs: Any) -> Any:
        from azure.core.credentials import AccessToken

        return AccessToken("any", 2**40)

    async def close(self) -> None:
        pass


def graph_client(port: int) -> Any:
    from msgraph import GraphServiceClient

    client = GraphServiceClient(credentials=Token(), scopes=["https://graph.microsoft.com/.default"])
    client.request_adapter.base_url = f"http://127.0.0.1:{port}/v1.0"
    return client


def sdk(port: int) -> Way:
    """msgraph-sdk, sixteen at a time."""
    from msgraph.generated.models.field_value_set import FieldValueSet

    client = graph_client(port)
    builder = client.sites.by_site_id("s").lists.by_list_id("l").items

    async def way(items: int) -> None:
        gate = asyncio.Semaphore(16)

        async def one(number: int) -> None:
            async with gate:
                await builder.by_list_item_id(str(number)).fields.patch(
                    FieldValueSet(additional_data={"note": NOTE})
                )

        await asyncio.gather(*(one(number) for number in range(items)))

    return way


def core(port: int) -> Way:
    """msgraph-core's BatchRequestContentCollection."""
    from msgraph.generated.models.field_value_set import FieldValueSet
    from msgraph_core.requests.batch_request_content_collection import BatchRequestContentCollection
    from msgraph_core.requests.batch_request_item import BatchRequestItem

    client = graph_client(port)
    builder = client.sites.by_site_id("s").lists.by_list_id("l").items

    async def way(items: int) -> None:
        collection = BatchRequestContentCollection()
        for number in range(items):
            info = builder.by_list_item_id(str(number)).fields.to_patch_request_information(
                FieldValueSet(additional_data={"note": NOTE})
            )
            collection.add_batch_request_item(BatchRequestItem(info, str(number)))
        await client.batch.post(collection)

    return way


def office365(port: int) -> Way:
    """Office365-REST-Python-Client's GraphClient.execute_batch."""
    from office365 import azure_env
    from office365.graph_client import GraphClient

    for urls in azure_env._ENDPOINTS.values():
        urls["graph"] = f"http://127.0.0.1:{port}"

    async def way(items: int) -> None:
        client = GraphClient(lambda: {"token_type": "Bearer", "access_token": "any"})
        listed = client.sites["s"].lists["l"]
        for number in range(items):
            listed.items[str(number)].fields.set_property("note", NOTE).update()
        client.execute_batch()

    return way


PEERS = {"sdk": sdk, "core": core, "office365": office365}


async def measure(way: Way) -> None:
    await way(40)  # imports are not part of it
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    for line in sys.stdin:
        begun = time.process_time()
        await way(int(line))
        sys.stdout.write(f"{time.process_time() - begun}\n")
        sys.stdout.flush()


def main() -> None:
    try:
        way = PEERS[sys.argv[1]](int(sys.argv[2]))
    except ImportError as missing:
        sys.stdout.write(f"absent: {missing}\n")
        return
    asyncio.run(measure(way))


if __name__ == "__main__":
    main()
