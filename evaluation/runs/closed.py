"""Papermill, imported without a door to the network: a library that it asks for opens a socket only to learn whether there is IPv6."""

from __future__ import annotations

import socket

_there = socket.has_ipv6
socket.has_ipv6 = False
try:
    import papermill
finally:
    socket.has_ipv6 = _there

__all__ = ["papermill"]
