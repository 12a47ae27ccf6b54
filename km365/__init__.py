"""Keeps what an organisation learns: tags, lessons and handovers on Microsoft 365."""
