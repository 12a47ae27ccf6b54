"""A channel that signs in as Teams does: its own keys, served over HTTP."""

import asyncio
import json
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import jwt
from aiohttp import web
from cryptography.hazmat.primitives.asymmetric import rsa
from jwt.algorithms import RSAAlgorithm
from km365_bots.host import SignIn

from .activities import TENANT
from .serving import APP_ID, site

ISSUER = "https://issuer.example"


@dataclass
class Channel:
    key: rsa.RSAPrivateKey
    url: str = ""
    fetched: int = 0
    down: bool = False
    hangs: bool = False

    @property
    def sign_in(self) -> SignIn:
        return SignIn(app_id=APP_ID, tenants=frozenset({TENANT}), issuer=ISSUER, keys_url=self.url)

    def token(
        self, service_url: str, *, key: Any = None, kid: str = "k1", algorithm: str = "RS256", **claims: Any
    ) -> str:
        """What stands in the Authorization header; `claims` replace those of Teams, None takes one away."""
        whole = {
            "iss": ISSUER,
            "aud": APP_ID,
            "serviceurl": service_url + "/",
            "exp": int(time.time()) + 600,
            **claims,
        }
        whole = {name: value for name, value in whole.items() if value is not None}
        return self.signed(whole, key=key, kid=kid, algorithm=algorithm)

    def signed(self, claims: Any, *, key: Any = None, kid: str = "k1", algorithm: str = "RS256") -> str:
        """Any JSON, signed."""
        payload = json.dumps(claims).encode()
        return "Bearer " + jwt.PyJWS().encode(payload, key or self.key, algorithm, headers={"kid": kid})

    async def metadata(self, request: web.Request) -> web.Response:
        self.fetched += 1
        if self.hangs:
            await asyncio.sleep(3600)
        if self.down:
            raise web.HTTPServiceUnavailable
        return web.json_response({"jwks_uri": f"{self.url}/keys", "issuer": ISSUER})

    async def keys(self, request: web.Request) -> web.Response:
        public = json.loads(RSAAlgorithm.to_jwk(self.key.public_key()))
        return web.json_response(
            {
                "keys": [
                    {**public, "kid": "k1", "endorsements": ["msteams"]},
                    {**public, "kid": "vouched for by nobody", "endorsements": []},
                    {**public, "kid": "vouched for without a word"},
                ]
            }
        )


@asynccontextmanager
async def serving(key: rsa.RSAPrivateKey) -> AsyncIterator[Channel]:
    channel = Channel(key=key)
    app = web.Application()
    app.router.add_get("/", channel.metadata)
    app.router.add_get("/keys", channel.keys)
    async with site(app) as url:
        channel.url = url
        yield channel
