"""What settings may say: each rule gives the value as it is used, or raises ValueError saying what is right.

What is said follows the name of the setting, and never holds a password.
"""

import re
from collections.abc import Callable
from datetime import UTC
from urllib.parse import urlsplit

from km365.core.preferences import zone_named, zone_of
from km365.core.schedule import Hours, weekdays, working_hours
from km365.core.site_addresses import site_address

_DATABASES = frozenset({"sqlite", "postgresql", "postgres"})
_SITE = re.compile(r"[\w.-]+:/(?!/).*")


def between(least: int, most: int | None = None) -> Callable[[int], int]:
    """A rule for whole numbers, both ends among them."""

    def rule(number: int) -> int:
        if number < least or (most is not None and number > most):
            wanted = f"{least} or more" if most is None else f"between {least} and {most}"
            raise ValueError(f"must be {wanted}, not {number}.")
        return number

    return rule


def database(url: str) -> str:
    """Where our database is; how it is reached is only known once it is opened."""
    kind = urlsplit(url).scheme.partition("+")[0] if "://" in url else "sqlite"
    if kind not in _DATABASES:
        raise ValueError(
            f"must be postgresql+psycopg://user:password@host/name or sqlite:///path, not {kind}://…."
        )
    return url


def zone(name: str) -> str:
    """A time zone by its whole name."""
    if zone_of(name) is None:
        near = zone_named(name)
        hint = f" Is it {near}?" if near else ""
        raise ValueError(f"must be a time zone such as Africa/Nairobi, not {name!r}.{hint}")
    return name


def hours(text: str) -> str:
    """The hours of a working day, `always`, or nothing."""
    try:
        if text and text != "always":
            opens, closes = working_hours(text)
            Hours(zone=UTC, opens=opens, closes=closes)
    except ValueError:
        raise ValueError(f"must be hours such as 09:00-17:00, or always, not {text!r}.") from None
    return text


def weekend(names: tuple[str, ...]) -> tuple[str, ...]:
    """Days by their English names, which leave a working day."""
    try:
        Hours(zone=UTC, weekend=weekdays(names))
    except ValueError:
        said = ", ".join(names)
        raise ValueError(
            f"must be days in English, such as friday, and leave a working day, not {said!r}."
        ) from None
    return names


def site(said: str) -> str:
    """A site as host:/path; what a browser shows for it is understood."""
    address = site_address(said.strip()).rstrip("/")
    if not _SITE.fullmatch(address):
        raise ValueError(
            "must be a site such as agency.sharepoint.com:/sites/knowledge, or its https address, "
            f"not {said!r}."
        )
    return address


def sites(several: tuple[str, ...]) -> tuple[str, ...]:
    """Sites, each as `site`."""
    return tuple(site(one) for one in several)


def region(code: str) -> str:
    """The three letters of a region, of which Microsoft adds new ones."""
    if not re.fullmatch(r"[A-Za-z]{3}", code):
        raise ValueError(f"must be the three letters of a region, such as NAM, EUR or APC, not {code!r}.")
    return code.upper()


def paces(several: tuple[str, ...]) -> tuple[str, ...]:
    """Numbers of messages, each with a number of seconds."""
    for pace in several:
        if not re.fullmatch(r"[1-9]\d*/[1-9]\d*", pace):
            raise ValueError(f"must be numbers of messages and of seconds, such as 7/1, not {pace!r}.")
    return several
