"""Whose certificates are trusted."""

import ssl
from functools import cache

import httpx


@cache
def trusted() -> ssl.SSLContext:
    """What httpx trusts (certifi's authorities, or those of SSL_CERT_FILE), read once for all connections.

    A client that is not given it reads them anew: 20 ms, also for an address without TLS.
    """
    return httpx.create_ssl_context()
