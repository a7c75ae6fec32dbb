"""Kashani et al.: speech clipped to six input SDRs; PESQ, ESTOI, LLR (tables I to III).

Their PESQ bottoms at 1.03: narrow band ends at 1.02 and wide band at 1.04, so both are
printed and the paper's cells stand in both.
"""

from rtdeclip.benchmarks.papers.describe import Cells, Column, System, Table

INPUT_SDRS = ("0.5", "1.5", "3.5", "7.5", "12.5", "17.5")
# Six variances up to 0.05; the paper's figure does not name them.
VARIANCES = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05)

U_NET_HERE = "spectrogram-u-net"
# Ours: told which samples are clipped; the second hears the past alone, live.
U_NET_TOLD = System("U-Net, told", f"{U_NET_HERE}-told", "", False)
U_NET_PAST = System("U-Net, past", f"{U_NET_HERE}-causal")


def _cells(pesq: Cells, estoi: Cells, llr: Cells) -> dict[str, Cells]:
    return {"pesq_wb": pesq, "pesq_nb": pesq, "estoi": estoi, "llr": llr}


CLIPPED = _cells(
    (1.12, 1.2, 1.42, 2.00, 2.82, 3.48, 2.00),
    (0.59, 0.65, 0.75, 0.87, 0.94, 0.97, 0.79),
    (0.81, 0.63, 0.44, 0.24, 0.11, 0.05, 0.38),
)
IHT = _cells(
    (1.03, 1.03, 1.05, 1.18, 1.74, 2.62, 1.44),
    (0.04, 0.12, 0.33, 0.66, 0.86, 0.94, 0.49),
    (1.38, 1.15, 0.87, 0.49, 0.22, 0.09, 0.70),
)
DL = _cells(
    (1.03, 1.03, 1.05, 1.17, 1.72, 2.63, 1.44),
    (0.04, 0.12, 0.33, 0.65, 0.86, 0.94, 0.49),
    (1.39, 1.18, 0.91, 0.51, 0.21, 0.09, 0.72),
)
CONSISTENT_IHT = _cells(
    (1.13, 1.26, 1.6, 2.42, 3.23, 3.69, 2.22),
    (0.59, 0.68, 0.78, 0.90, 0.96, 0.98, 0.82),
    (0.65, 0.50, 0.35, 0.19, 0.10, 0.05, 0.31),
)
CONSISTENT_DL = _cells(
    (1.16, 1.3, 1.66, 2.51, 3.39, 3.89, 2.32),
    (0.61, 0.70, 0.81, 0.91, 0.97, 0.99, 0.83),
    (0.74, 0.56, 0.36, 0.18, 0.08, 0.03, 0.33),
)
U_NET = _cells(
    (2.07, 2.19, 2.46, 2.97, 3.49, 3.79, 2.83),
    (0.78, 0.81, 0.85, 0.90, 0.93, 0.94, 0.87),
    (0.40, 0.32, 0.25, 0.16, 0.11, 0.08, 0.22),
)
_OURS = (
    System("A-SPADE", "aspade", "window_ms=64"),
    System("cubic", "cubic"),
    System("ar", "ar"),
    System("auto", "auto"),
    System("janssen", "janssen"),
    System("ss-pew", "ss-pew"),
)

MAIN = Table(
    id="4",
    title="Paper 4 (Kashani et al.), tables I to III",
    setup="Hard clip to the input SDR in dB at the head of the column.",
    paper_data="FARSDAT, 15 % of its speakers",
    data="speech",
    rate_hz=16000,
    columns=tuple(Column(s, f"sdr={s}") for s in INPUT_SDRS),
    metrics=("pesq_wb", "pesq_nb", "estoi", "llr"),
    systems=(
        System("Clipped", "bypass", "", False, CLIPPED),
        System("IHT", "iht", "", False, IHT),
        System("DL", "dl", "", False, DL),
        System("Cons-IHT", "consistent-iht", "", True, CONSISTENT_IHT),
        System("Cons-DL", "consistent-dl", "", True, CONSISTENT_DL),
        System("U-Net", U_NET_HERE, "", False, U_NET),
        System("U-Net", U_NET_HERE),
        U_NET_TOLD,
        U_NET_PAST,
        *_OURS,
    ),
    average=True,
    remarks=(
        "The paper does not say which PESQ: its cells stand beside both.",
        "U-Net: ours is small and trained for minutes of one CPU core (rtdeclip models "
        f"show {U_NET_HERE}), theirs for 50 epochs; cons.: with our consistency.",
    ),
    axis="input SDR in dB",
)

NOISE = Table(
    id="4-noise",
    title="Paper 4, noise figure",
    setup="Files of peak 1, white noise of the variance at the head of the column, "
    "then hard clip to 3.5 dB; scored against the noiseless file.",
    paper_data="FARSDAT; a figure without numbers, its variances not named",
    data="speech",
    rate_hz=16000,
    columns=tuple(
        Column(f"{v:g}", f"peak=1+noise={v**0.5:.5f}+sdr=3.5") for v in VARIANCES
    ),
    metrics=("pesq_wb", "estoi", "llr"),
    systems=(
        System("Clipped", "bypass", "", False),
        System("IHT", "iht", "", False),
        System("Cons-IHT", "consistent-iht"),
        System("Cons-DL", "consistent-dl"),
        System("U-Net", U_NET_HERE, "", False),
        System("U-Net", U_NET_HERE),
        U_NET_TOLD,
        U_NET_PAST,
        System("A-SPADE", "aspade", "window_ms=64"),
        System("ar", "ar"),
    ),
    axis="noise variance",
)

TABLES = (MAIN, NOISE)
