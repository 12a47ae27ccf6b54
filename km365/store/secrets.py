"""Random secrets of this installation, made once and kept: what signs card tokens."""

import secrets as chance

from sqlalchemy import Connection, select

from km365.store import rows
from km365.store.tables import secret


def secret_of(c: Connection, name: str) -> bytes:
    """The 32-byte secret called `name`, the same on every call and after every restart; made on the first."""
    rows.insert_new(c, secret, {"name": name, "value": chance.token_hex(32)})
    return bytes.fromhex(c.execute(select(secret.c.value).where(secret.c.name == name)).scalar_one())
