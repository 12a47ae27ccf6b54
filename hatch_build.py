"""Build hook: brings the official Adaptive Cards renderer into the package data."""

from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class AdaptiveCardsHook(BuildHookInterface[Any]):
    """Placed by the chat page's builder."""
