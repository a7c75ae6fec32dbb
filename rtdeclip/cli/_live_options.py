"""From the chain's options to a live session's: shared by ``live`` and ``play``."""

from dataclasses import replace
from typing import Any


def chain_options(
    preset: str | None,
    processor: str | None,
    settings: list[str],
    pre: list[str],
    post: list[str],
    wet: float | None,
    headroom: str,
    gain_db: float | None,
) -> dict[str, Any]:
    """Fields of ``LiveConfig``; what is given overrides the preset.

    Raises:
        SettingError: an unknown or bad setting, or no such preset.
        PluginError: an unknown processor or effect.
    """
    from rtdeclip.cli._chain import make_chain
    from rtdeclip.errors import SettingError
    from rtdeclip.files.chain import Chain
    from rtdeclip.files.presets import load_preset
    from rtdeclip.live.config import LIVE_PROCESSOR
    from rtdeclip.stream.headroom import LIVE_GAIN_DB

    if headroom not in ("limit", "off"):
        raise SettingError(f"--headroom {headroom!r}: give limit or off.")
    saved = load_preset(preset) if preset else None
    base = saved.chain() if saved else Chain()
    if not base.processor:  # live sound has a default of its own
        base = replace(base, processor=LIVE_PROCESSOR)
    chain = make_chain(
        base,
        processor=processor,
        settings=settings,
        pre=pre,
        post=post,
        output=None,
        ceiling_db=None,
        wet=wet,
    )
    chain.check()
    if gain_db is None:
        gain_db = saved.headroom.live_gain_db if saved else LIVE_GAIN_DB
    return {
        "processor": chain.method().name,
        "settings": dict(chain.settings),
        "pre": tuple((c.name, dict(c.settings)) for c in chain.pre),
        "post": tuple((c.name, dict(c.settings)) for c in chain.post),
        "headroom": headroom,
        "gain_db": gain_db,
        "ceiling_db": chain.ceiling_db,
        "parameters": {"wet": chain.wet},
    }
