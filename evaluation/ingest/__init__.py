"""The only way in: delivered files become checked tables, or one error with every fault."""
from __future__ import annotations
