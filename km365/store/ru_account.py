"""What each service of Graph has been asked for, so that several processes keep one budget together."""

from sqlalchemy import Connection, select, update

from km365.store import rows
from km365.store.rows import Json
from km365.store.tables import ru_account


def take(c: Connection, service: str) -> Json:
    """The account, {} for a new one; nobody else changes it before the transaction ends."""
    query = select(ru_account.c.value).where(ru_account.c.service == service).with_for_update()
    found = c.execute(query).scalar()
    if found is None:
        rows.insert_new(c, ru_account, {"service": service, "value": {}})
        found = c.execute(query).scalar_one()  # on PostgreSQL another process may have come first
    return dict(found)


def put(c: Connection, service: str, value: Json) -> None:
    """Keeps the account that `take` gave out."""
    c.execute(update(ru_account).where(ru_account.c.service == service).values(value=value))
