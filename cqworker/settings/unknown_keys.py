"""What answers an unknown key of the configuration: `section.py` has it refused, and this says what was meant."""

from __future__ import annotations

from difflib import get_close_matches

from cqworker.settings.schema import SettingPath, leaves, name_of, node_at


def unknown_key_fault(path: SettingPath) -> str:
    """That there is no setting at `path`, and what may be meant: a similar key, the same elsewhere, or all of them."""
    return f"there is no setting {name_of(path)}; {_suggestion_for(path)}"


def _suggestion_for(path: SettingPath) -> str:
    """What the writer of an unknown key may have meant, as the rest of a sentence."""
    parent, key = path[:-1], str(path[-1])
    siblings = list((node_at(parent) or {}).get("properties", {}))
    near = get_close_matches(key, siblings, n=1)
    if near:
        return f"did you mean {name_of((*parent, near[0]))}?"
    elsewhere = [name_of(leaf) for leaf, _ in leaves() if leaf[-1] == key]
    if elsewhere:
        return f"did you mean {elsewhere[0]}?"
    return f"{name_of(parent) or 'the configuration'} has {', '.join(siblings)}"
