"""The true-peak limiter as an effect of a chain (see ``rtdeclip.stream.limiter``)."""

from rtdeclip.stream.limiter import CEILING_DB, RELEASE_MS, TruePeakLimiter
from rtdeclip.stream.processor import Method

METHOD = Method(
    name="limiter",
    summary="True-peak limiter, at most 1.5 ms late.",
    make=TruePeakLimiter,
    kind="effect",
    scope="all",
    channels="joint",
    settings=(CEILING_DB, RELEASE_MS),
    source="peak estimate: ITU-R BS.1770-4, annex 2",
)
