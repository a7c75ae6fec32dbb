"""Záviška, Rajmic, Ozerov and Rencker, JSTSP 2021: ten SQAM excerpts, seven levels.

doi:10.1109/JSTSP.2020.3042071. Cells are means over the ten excerpts, from the result
files that its authors published. RR: reliable samples replaced by the clipped signal's.
"""

from rtdeclip.benchmarks.papers.describe import Cells, Column, System, Table

INPUT_SDRS = (1, 3, 5, 7, 10, 15, 20)


def _cells(
    delta: Cells = (), peaq: Cells = (), r_nonlin: Cells = ()
) -> dict[str, Cells]:
    named = {"delta_sdr_db": delta, "peaq_odg": peaq, "r_nonlin": r_nonlin}
    return {key: cells for key, cells in named.items() if cells}


CLIPPED = _cells(
    peaq=(-3.89, -3.87, -3.83, -3.75, -3.50, -3.01, -2.35),
    r_nonlin=(0.55, 0.64, 0.71, 0.77, 0.83, 0.90, 0.94),
)
SS_PEW = _cells(
    (12.2, 15.0, 16.6, 17.7, 19.0, 21.1, 22.0),
    (-3.67, -3.23, -2.70, -2.13, -1.44, -0.86, -0.70),
)
SS_PEW_RR = _cells(
    (),
    (-3.67, -3.02, -2.06, -1.30, -0.68, -0.30, -0.16),
    (0.76, 0.87, 0.91, 0.94, 0.96, 0.97, 0.98),
)
A_SPADE = _cells(
    (11.9, 13.9, 15.1, 16.0, 17.3, 19.4, 20.3),
    (-3.87, -3.74, -3.39, -2.84, -1.84, -0.73, -0.37),
    (0.71, 0.83, 0.89, 0.93, 0.95, 0.97, 0.98),
)
S_SPADE = _cells(
    (11.4, 13.7, 15.0, 15.6, 17.1, 19.3, 19.9),
    (-3.88, -3.80, -3.57, -3.13, -2.25, -0.99, -0.48),
)
CP_PARABOLA = _cells(
    (10.0, 13.0, 14.8, 16.0, 17.4, 19.6, 21.0),
    (-3.51, -2.81, -2.06, -1.52, -0.99, -0.49, -0.24),
    (0.80, 0.89, 0.93, 0.95, 0.97, 0.98, 0.98),
)
DR_PARABOLA = _cells(
    (9.8, 12.7, 14.4, 15.6, 17.1, 19.2, 20.7),
    (-3.60, -2.99, -2.23, -1.63, -1.05, -0.52, -0.26),
)
NMF = _cells(
    (5.1, 12.2, 14.3, 16.2, 18.0, 20.6, 22.0),
    (-3.69, -2.72, -1.74, -1.04, -0.62, -0.28, -0.13),
    (0.75, 0.89, 0.93, 0.95, 0.96, 0.98, 0.98),
)
SS_EW = _cells((6.8, 8.6, 9.9, 10.8, 12.2, 13.9, 14.9))
SS_EW_RR = _cells(peaq=(-3.88, -3.81, -3.63, -3.13, -2.00, -0.79, -0.36))
DL = _cells(
    (2.1, 5.1, 7.0, 8.0, 8.7, 9.6, 10.2),
    (),
    (0.58, 0.69, 0.76, 0.81, 0.86, 0.90, 0.92),
)
DL_RR = _cells(peaq=(-3.88, -3.86, -3.77, -3.62, -3.23, -2.36, -1.23))
C_OMP = _cells((-1.0, -1.9, -1.8, -1.3, 0.8, 3.9, 8.2))
JANSSEN = _cells(
    (-1.0, -1.3, 0.6, 3.5, 7.9, 17.0, 19.6),
    (-3.91, -3.87, -3.54, -2.48, -1.42, -0.50, -0.25),
)

SURVEY = Table(
    id="survey",
    title="Survey (Záviška et al. 2021)",
    setup="Hard clip to the input SDR in dB at the head of the column.",
    paper_data="ten SQAM excerpts of about 7 s, 44.1 kHz",
    data="music",
    rate_hz=44100,
    columns=tuple(Column(str(s), f"sdr={s}") for s in INPUT_SDRS),
    metrics=("delta_sdr_db", "peaq_odg", "r_nonlin"),
    systems=(
        System("Clipped", "bypass", "", False, CLIPPED),
        System("SS PEW", "ss-pew", "", False, SS_PEW),
        System("SS PEW + RR", "ss-pew", "", True, SS_PEW_RR),
        System("A-SPADE", "aspade", "window_ms=186", True, A_SPADE),
        System("S-SPADE", "sspade", "", True, S_SPADE),
        System("CP, parabola", "cp-parabola", "", True, CP_PARABOLA),
        System("DR, parabola", published=DR_PARABOLA),
        System("NMF", published=NMF),
        System("SS EW", published=SS_EW),
        System("SS EW + RR", published=SS_EW_RR),
        System("DL", "consistent-dl", "", False, DL),
        System("DL + RR", "consistent-dl", "", True, DL_RR),
        System("Janssen", "janssen", "", True, JANSSEN),
        System("C-OMP", "comp", "", True, C_OMP),
        System("Rl1 CP", published=_cells((1.4, 7.6, 10.6, 12.0, 13.1, 13.9, 14.0))),
        System("Rl1 DR", published=_cells((2.5, 5.8, 7.5, 8.7, 10.4, 11.9, 12.6))),
        System("PWCSL1", published=_cells((3.9, 5.8, 7.2, 8.7, 11.2, 15.3, 17.0))),
        System("PCSL1", published=_cells((1.2, 2.4, 3.4, 4.6, 6.3, 10.7, 12.7))),
        System("CSL1", published=_cells((0.4, 1.2, 2.2, 3.3, 5.0, 5.4, 3.0))),
        System("DR", published=_cells((0.4, 1.3, 2.4, 3.9, 6.7, 9.6, 11.7))),
        System("CP", published=_cells((0.3, 1.0, 2.1, 3.8, 6.5, 9.4, 11.3))),
        System("cubic, live", "cubic"),
        System("ar, live", "ar"),
        System("aspade, live", "aspade"),
        System("auto, live", "auto"),
    ),
    remarks=(
        "RR: reliable samples replaced. Ours run with this project's defaults (fewer "
        "iterations than the survey's). Its Janssen keeps no bound; ours does.",
    ),
    axis="input SDR in dB",
)  # fmt: skip

TABLES = (SURVEY,)
