"""The state of the sound in sentences: the status line, and what to do when stuck."""

from rtdeclip.live.telemetry import STATES, Status
from rtdeclip.monitor.meters import to_db

STALE_S = 1.0


def percent(share: float) -> str:
    """A share as people read it.

    Example:
        >>> percent(0.0312), percent(0.0002), percent(0.0)
        ('3.1 %', '< 0.1 %', '0 %')
    """
    if share <= 0.0:
        return "0 %"
    return "< 0.1 %" if share < 1e-3 else f"{100 * share:.1f} %"


def level(magnitude: float) -> str:
    """A clip level, linear and in dBFS.

    Example:
        >>> level(0.5)
        '0.500 (−6.0 dB)'
    """
    return f"{magnitude:.3f} ({signed(to_db(magnitude))} dB)"


def signed(number: float, digits: int = 1) -> str:
    """With a real minus sign.

    Example:
        >>> signed(-6.02), signed(3.0), signed(-0.01)
        ('−6.0', '3.0', '0.0')
    """
    return f"{number:z.{digits}f}".replace("-", "−")


def milliseconds(samples: float, sample_rate: int) -> str:
    """Samples as ms.

    Example:
        >>> milliseconds(824, 48000)
        '17.2 ms'
    """
    return f"{1e3 * samples / sample_rate:.1f} ms"


def count(n: int, thing: str, things: str = "") -> str:
    """How many, in words.

    Example:
        >>> count(0, "late hop"), count(1, "late hop"), count(12000, "late hop")
        ('no late hops', '1 late hop', '12,000 late hops')
    """
    if n == 0:
        return f"no {things or thing + 's'}"
    return f"{n:,} {thing if n == 1 else things or thing + 's'}"


def xruns(status: Status) -> int:
    """Over- and underflows that the device reported."""
    return (
        status.input_overflows
        + status.input_underflows
        + status.output_overflows
        + status.output_underflows
    )


def mode(parameters: dict[str, float]) -> str:
    """What is heard."""
    if parameters.get("mute", 0) > 0:
        return "Muted"
    if parameters.get("bypass", 0) > 0:
        return "Bypassed: you hear the input"
    if parameters.get("repair_only", 0) > 0:
        return "Repair only: you hear what is added"
    wet = parameters.get("wet", 1.0)
    return "Restoring" if wet >= 1.0 else f"Restoring, {100 * wet:.0f} % wet"


def status_line(
    status: Status,
    parameters: dict[str, float],
    n_channels: int,
    latency_ms: float,
    age_s: float,
) -> str:
    """One sentence or two: what is heard, how much is clipped, is it in time.

    Args:
        status: the last one.
        parameters: as they stand.
        n_channels: ≥ 1.
        latency_ms: microphone to loudspeaker.
        age_s: of the status.
    """
    if STATES[status.state] in ("starting", "stopping", "ended"):
        return f"The audio process is {STATES[status.state]}."
    if age_s > STALE_S:
        return (
            f"The audio process has not answered for {age_s:.0f} s. "
            "Press Restart to end it and begin again."
        )
    shares = status.clipped_share[:n_channels]
    if any(shares):
        clipped = f"{percent(max(shares))} of the samples are clipped"
    elif any(status.clip_high[:n_channels] + status.clip_low[:n_channels]):
        clipped = "nothing is clipped at the moment"
    else:
        clipped = "no clipping found so far"
    late = count(status.late_hops, "late hop")
    device = count(xruns(status), "xrun")
    return (
        f"{mode(parameters)}; {clipped}. Latency {latency_ms:.1f} ms. "
        f"RTF p99 {status.rtf_p99:.2f}: {late}, {device}."
    )
