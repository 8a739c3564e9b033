"""What `cqworker provision --enable` may name: words for an option, without what the fleet's registry imports."""

from __future__ import annotations

FEATURES = ("limits", "replace")
"""As `cqworker.ports.fleet.FEATURES` has them; a test holds the two together."""
