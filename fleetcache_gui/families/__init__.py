"""What the keys of a Fleet cache mean: one pure file for each family, put together as layouts."""

from __future__ import annotations
