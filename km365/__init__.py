"""Keeps what an organisation learns: tags, lessons and handovers on Microsoft 365."""

__version__ = "0.1.0"
