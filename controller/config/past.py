"""What a former version of the file said: only as much of it as the life of recordings depends on.

A former version may not hold under the rules of today, nor are its sounds there any more, so it is not loaded.
"""

from controller.config.document import Value, parsed
from controller.config.faults import ConfigurationFaults
from controller.config.period import parse_period
from controller.domain.retention import Terms


def terms_of(text: str, purpose: str) -> Terms | None:
    """What this text says of a purpose; None where it says nothing, or nothing that can be read."""
    try:
        purposes = _block(parsed(text.encode(), "policy").value, "purposes")
        return _terms(_block(purposes, purpose))
    except (ConfigurationFaults, ValueError):
        return None


def _terms(block: Value) -> Terms | None:
    if not isinstance(block, dict) or not isinstance(block.get("retention"), str):
        return None
    shorter = block.get("without_contract")
    return Terms(
        retention=parse_period(str(block["retention"])),
        without_contract=parse_period(shorter) if isinstance(shorter, str) else None,
    )


def _block(value: Value, key: str) -> Value:
    return value.get(key) if isinstance(value, dict) else None
