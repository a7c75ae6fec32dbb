"""Imort et al., ISMIR 2022: overdrive and clipping removed by networks.

The paper prints box plots; the numbers here were measured from the audio that its
authors put online (joimort/distortionremoval): the mean SI-SDR of four clips at each
level, A-SPADE's outputs aligned. The text's own numbers are the RTFs and the medians of
the dry-superposition test.
"""

from rtdeclip.benchmarks.papers.describe import Column, System, Table

GAINS = (20, 25, 30, 35, 40, 45, 50)
INPUT_SDRS = (1, 3, 5, 7, 10, 15, 20)
METRICS = ("si_sdr_db", "peaq_odg", "r_nonlin", "fad")
DEMOS = (
    "paper: mean SI-SDR of the 4 clips a level that its authors put online, not of its "
    "test set. R_nonlin at 16 kHz: 29 of 40 bands."
)
GAIN, WET = 35, 0.9


def _demo(*cells: float) -> dict[str, tuple[float, ...]]:
    return {"si_sdr_db": cells}


def _pair(name: str, processor: str, *cells: float) -> tuple[System, System]:
    """A network's own output, and the same held to what is known."""
    raw = System(name, processor, "", False, _demo(*cells) if cells else {})
    return raw, System(name, processor)


_INVERSE = "curve=overdrive,gain={value},colour=0"
_PAST = System("Open-Unmix, past", "open-unmix-causal")
# One network for overdrive, tanh and clipping, with or without dry signal beside.
_ANY = System("Demucs, any curve", "demucs-1m-all", "", False)
_CLASSICAL = (
    System("cubic", "cubic"),
    System("ar", "ar"),
    System("auto", "auto"),
    System("janssen", "janssen"),
    System("ss-pew", "ss-pew"),
)

OVERDRIVE = Table(
    id="2-overdrive",
    title="Paper 2 (Imort et al.), CEG-OD: overdrive",
    setup="SoX overdrive, colour 0, of files of peak 0.5, kept in 16 bits; gain in dB.",
    paper_data="clean electric guitar (internal)",
    data="music",
    rate_hz=16000,
    columns=tuple(
        Column(str(g), f"peak=0.5+overdrive={g}:0+bits=16", str(g)) for g in GAINS
    ),
    metrics=METRICS,
    systems=(
        System("Input", "bypass", "", False, _demo(7.5, 5.1, 3.4, 2.3, 1.5, 0.9, 0.5)),
        System(
            "CRAFx",
            "crafx-overdrive",
            "",
            False,
            _demo(18.5, 20.2, 19.5, 18.7, 18.4, 18.4, 18.4),
        ),
        System(
            "Open-Unmix",
            "open-unmix-overdrive",
            "",
            False,
            _demo(10.0, 8.2, 7.4, 6.9, 6.7, 6.5, 6.5),
        ),
        System(
            "Wave-U-Net",
            "wave-u-net-overdrive",
            "",
            False,
            _demo(22.5, 23.9, 24.4, 24.9, 25.5, 25.4, 25.1),
        ),
        System(
            "Demucs",
            "demucs-1m-overdrive",
            "",
            False,
            _demo(26.2, 30.3, 31.4, 32.7, 33.0, 32.6, 32.3),
        ),
        _ANY,
        System(
            "IRM",
            "oracle-irm",
            "",
            False,
            _demo(13.6, 11.7, 10.7, 10.2, 10.0, 9.8, 9.8),
        ),
        System("Exact inverse", "inverse-waveshaper", _INVERSE, False),
        System("… gain found", "inverse-overdrive", "", False),
    ),
    remarks=(
        DEMOS,
        "The paper's networks have a million parameters like ours, but saw hundreds of "
        "epochs on a GPU; in minutes of one core none of ours gets near them.",
        "Exact inverse: solves the distortion for its input; it is told the gain. "
        "The row below it finds the gain in the sound.",
    ),
    axis="gain in dB",
)

CLIP = Table(
    id="2-clip",
    title="Paper 2, CEG-HC: hard clipping after a gain",
    setup="Files of peak 1, gain in dB, hard clip at full scale.",
    paper_data="clean electric guitar (internal)",
    data="music",
    rate_hz=16000,
    columns=tuple(Column(str(g), f"peak=1+gain={g}", str(g)) for g in GAINS),
    metrics=METRICS,
    systems=(
        System(
            "Input", "bypass", "", False, _demo(8.0, 4.9, 2.9, 1.4, 0.5, -0.2, -0.7)
        ),
        *_pair("CRAFx", "crafx", 10.3, 7.7, 6.0, 5.1, 4.5, 4.2, 3.8),
        *_pair("Open-Unmix", "open-unmix", 10.2, 7.9, 6.6, 5.8, 5.4, 5.0, 4.6),
        _PAST,
        *_pair("Wave-U-Net", "wave-u-net", 12.7, 9.5, 7.7, 6.1, 5.1, 4.5, 4.2),
        *_pair("Demucs", "demucs-1m", 13.0, 10.2, 8.9, 7.9, 7.0, 6.4, 5.9),
        _ANY,
        System(
            "A-SPADE",
            "aspade",
            "window_ms=64",
            True,
            _demo(12.9, 9.8, 7.5, 5.9, 4.8, 4.0, -1.1),
        ),
        System("IRM", "oracle-irm", "", False),
        *_CLASSICAL,
    ),
    remarks=(DEMOS, "The paper's level is not stated: compare the Input rows first."),
    axis="gain in dB",
)

SIGNALTRAIN = Table(
    id="2-signaltrain",
    title="Paper 2, SignalTrain-HC: hard clipping to an input SDR",
    setup="Hard clip to the input SDR in dB at the head of the column.",
    paper_data="SignalTrain (music and test signals)",
    data="music",
    rate_hz=16000,
    columns=tuple(Column(str(s), f"sdr={s}") for s in INPUT_SDRS),
    metrics=METRICS,
    systems=(
        System(
            "Input", "bypass", "", False, _demo(2.1, 4.3, 6.4, 8.4, 11.3, 15.9, 20.6)
        ),
        *_pair("CRAFx", "crafx"),
        *_pair("Open-Unmix", "open-unmix", 9.7, 11.0, 12.4, 13.7, 15.6, 18.9, 22.2),
        _PAST,
        *_pair("Wave-U-Net", "wave-u-net", 9.8, 12.4, 14.6, 16.4, 18.6, 21.8, 24.1),
        *_pair("Demucs", "demucs-1m", 12.2, 14.0, 15.9, 17.8, 19.9, 23.0, 25.0),
        System(
            "A-SPADE",
            "aspade",
            "window_ms=64",
            True,
            _demo(6.9, 11.7, 14.3, 16.3, 19.0, 23.4, 29.1),
        ),
        System(
            "IRM",
            "oracle-irm",
            "",
            False,
            _demo(12.2, 13.4, 14.8, 16.2, 18.3, 22.0, 26.1),
        ),
        *_CLASSICAL,
    ),
    remarks=(DEMOS,),
    axis="input SDR in dB",
)

DRY = Table(
    id="2-dry",
    title="Paper 2, dry superposition: why networks undo overdrive",
    setup=f"Files of peak 1, {GAIN} dB, hard clip at full scale; then the same as "
    f"{WET:g} of the output, the rest clean.",
    paper_data="CEG-HC, gains 20 to 50 dB; medians over its test set",
    data="music",
    rate_hz=16000,
    columns=(
        Column("clip", f"peak=1+gain={GAIN}", "1"),
        Column("+ dry", f"peak=1+gain={GAIN}+wet={WET:g}", f"{WET:g}"),
    ),
    metrics=("si_sdr_db",),
    systems=(
        System("Input", "bypass", "", False),
        System("Wave-U-Net", "wave-u-net-dry", "", False, _demo(7.2, 34.4)),
        _ANY,
        System("A-SPADE", "aspade", "window_ms=64"),
        System(
            "Exact inverse",
            "inverse-waveshaper",
            f"curve=clip,gain={GAIN},level=1,wet={{value}}",
            False,
        ),
    ),
    remarks=("A little of the clean signal tells all of it to who knows the curve.",),
)

SPEED = Table(
    id="2-speed",
    title="Paper 2, inference speed on the CPU",
    setup="Hard clip to an input SDR of 7 dB; CPU time over audio time, one core.",
    paper_data="its own CPU, not named; A-SPADE's from Gaultier et al. 2021",
    data="music",
    rate_hz=16000,
    columns=(Column("", "sdr=7"),),
    metrics=("rtf", "delta_sdr_db"),
    systems=(
        System("Demucs", "demucs-1m", "", False, {"rtf": (0.072,)}),
        System("Wave-U-Net", "wave-u-net", "", False, {"rtf": (0.113,)}),
        System("Open-Unmix", "open-unmix", "", False, {"rtf": (0.026,)}),
        _PAST,
        System("CRAFx", "crafx", "", False),
        System(
            "A-SPADE", "aspade", "window_ms=64", True, {"rtf": ("4.2–27.3",)}
        ),
        *_CLASSICAL,
    ),
    by="condition",
)  # fmt: skip

TABLES = (OVERDRIVE, CLIP, SIGNALTRAIN, DRY, SPEED)
