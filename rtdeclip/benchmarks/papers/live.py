"""Live: what runs hop by hop, beside the published streaming networks.

Published: DDD and its DEMUCS (ICASSP 2024) state 661 samples at 16 kHz; T-UNet's blocks
are 16 384 samples; denoiser's DEMUCS (H = 48, one thread, 2 GHz i5) an RTF of 0.8.
"""

from rtdeclip.benchmarks.papers.describe import Column, System, Table

_OURS = (
    System("bypass", "bypass"),
    System("cubic", "cubic"),
    System("rbar", "rbar"),
    System("ar", "ar"),
    System("aspade", "aspade"),
    System("auto", "auto"),
    System("best", "best"),
)
_REMARK = (
    "RTF: CPU time over the whole file. Worst hop: made-up, heavily clipped "
    "sound at the pace of live sound, on this machine as busy as it is."
)

SPEECH = Table(
    id="live-speech",
    title="Live, speech",
    setup="Hard clip to an input SDR of 7 dB; algorithmic latency = delay + hop.",
    paper_data="peers tested on VoiceBank",
    data="speech",
    rate_hz=16000,
    columns=(Column("", "sdr=7"),),
    metrics=("delta_sdr_db", "pesq_wb", "rtf", "latency_ms", "worst_hop_ms"),
    systems=(
        *_OURS,
        System("deep filter", "deep-filter"),
        System("U-Net, past", "spectrogram-u-net-causal"),
        System("DDD", published={"latency_ms": (41.3,)}),
        System("T-UNet", published={"latency_ms": (1024.0,)}),
        System("denoiser H48", published={"latency_ms": (41.3,), "rtf": (0.8,)}),
    ),
    by="condition",
    remarks=(_REMARK,),
)

MUSIC = Table(
    id="live-music",
    title="Live, music",
    setup="Hard clip to an input SDR of 7 dB; algorithmic latency = delay + hop.",
    paper_data="none tested this",
    data="music",
    rate_hz=48000,
    columns=(Column("", "sdr=7"),),
    metrics=("delta_sdr_db", "peaq_odg", "rtf", "latency_ms", "worst_hop_ms"),
    systems=_OURS,
    by="condition",
    remarks=(_REMARK,),
)

TABLES = (SPEECH, MUSIC)
