"""`python -m fleetcache_gui`, the same as `fleetcache-gui`."""

from __future__ import annotations

from fleetcache_gui.cli import main

if __name__ == "__main__":
    main()
