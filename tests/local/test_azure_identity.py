"""azure-identity itself signs in at the server, through a transport that leaves out the TLS."""

import pytest
from azure.core.pipeline.transport import AioHttpTransport
from azure.identity.aio import ClientSecretCredential

from km365.local import tokens

pytestmark = pytest.mark.local_only


class WithoutTls(AioHttpTransport):
    """azure-identity insists on https; our server on this machine speaks http."""

    async def send(self, request, **options):
        request.url = request.url.replace("https://", "http://", 1)
        return await super().send(request, **options)


def credential(m365):
    return ClientSecretCredential(
        tenant_id="childrensagency.example",
        client_id="km365",
        client_secret="any",
        authority=m365.base_url.removeprefix("http://"),
        disable_instance_discovery=True,
        transport=WithoutTls(),
    )


async def test_a_client_secret_gets_a_token_that_strict_mode_takes(m365):
    m365.state.remember("strict_tokens", True)
    async with credential(m365) as signed_in:
        token = await signed_in.get_token("https://graph.microsoft.com/.default")
    caller = tokens.caller_of(m365.state, f"Bearer {token.token}")
    assert (caller.app_id, caller.user_id) == ("km365", None)
