"""Published statistics in their original layouts, one file per publisher's layout; `open_statistics.py` is the door."""
