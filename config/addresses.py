"""How addresses of people are written, for settings and for contracts."""

_TEXT = r"[\w!#$%&'*+/=?^`{|}~-]+"
_LABEL = r"[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?"

EMAIL = rf"{_TEXT}(\.{_TEXT})*@({_LABEL}\.)+{_LABEL}"
"""One address, as HTML's input of that type takes it, with dots between others only, and a domain of two parts or
more."""
