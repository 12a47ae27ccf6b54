"""What each service of Graph has been asked for, so that several processes keep one budget together."""

from sqlalchemy import Connection, bindparam, delete, select, update

from km365.store import rows
from km365.store.rows import Json, Prepared
from km365.store.tables import ru_account

_TAKE = Prepared(
    select(ru_account.c.value).where(ru_account.c.service == bindparam("of")).with_for_update(), "of"
)
_PUT = Prepared(
    update(ru_account).where(ru_account.c.service == bindparam("of")).values(value=bindparam("to")),
    "to",
    "of",
)


def take(c: Connection, service: str) -> Json:
    """The account, {} for a new one; nobody else changes it before the transaction ends."""
    found = _TAKE.rows(c, service)
    if not found:
        rows.insert_new(c, ru_account, {"service": service, "value": {}})
        found = _TAKE.rows(c, service)  # on PostgreSQL another process may have come first
    return dict(found[0][0])


def put(c: Connection, service: str, value: Json) -> None:
    """Keeps the account that `take` gave out."""
    _PUT.run(c, [(value, service)])


def clear(c: Connection) -> None:
    """Forgets what was spent, as for a tenant that is new."""
    c.execute(delete(ru_account))
