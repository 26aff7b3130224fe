"""Evaluate programmes for families with matched comparison families."""
__version__ = "0.1.0"
