"""SharePoint's resource units: a budget per app and minute, told in headers from 80 %, refused beyond.

Costs and tiers: learn.microsoft.com/sharepoint "avoid getting throttled" (2025-10-02). Off until switched on.
"""

from dataclasses import dataclass

from km365.local.routes import GraphFault
from km365.local.state import State

PER_MINUTE = {"0-1k": 1250, "1-5k": 2500, "5-15k": 3750, "15-50k": 5000, "50k+": 6250}
"""Resource units per app, tenant and minute, by the tenant's licences."""

OFF = {"on": False, "units": PER_MINUTE["0-1k"], "window_s": 60}


@dataclass
class Window:
    """What one app has used since `began` (seconds of the demonstration clock)."""

    began: float
    used: int = 0


class Throttle:
    """The budgets of one running server. A refused call counts too."""

    def __init__(self, state: State) -> None:
        self._state = state
        self._windows: dict[str, Window] = {}

    def forget(self) -> None:
        self._windows.clear()

    def charge(self, app_id: str, units: int) -> dict[str, str]:
        """Count `units` for the app; the RateLimit headers that its answer carries. 429 when over budget."""
        budget = self._state.recall("throttle", OFF)
        if not budget["on"] or not units:
            return {}
        now = self._state.now().timestamp()
        window = self._windows.get(app_id)
        if window is None or not 0 <= now - window.began < budget["window_s"]:
            window = self._windows[app_id] = Window(now)
        window.used += units
        left = max(0, budget["units"] - window.used)
        reset = max(1, round(window.began + budget["window_s"] - now))
        headers = {
            "RateLimit-Limit": str(budget["units"]),
            "RateLimit-Remaining": str(left),
            "RateLimit-Reset": str(reset),
        }
        if window.used > budget["units"]:
            raise GraphFault(
                429,
                "activityLimitReached",
                "The app or user has been throttled: its resource units for this minute are used up.",
                headers={**headers, "Retry-After": str(reset)},
            )
        return headers if window.used >= 0.8 * budget["units"] else {}
