"""Lasry and Feldinger: LibriSpeech clipped at a fifth of the peak (their Table 1).

Their PEAQ is positive and higher is better; ODG ends at 0.2, so ODG + 5 is the likely
reading, unconfirmed. Its cells stand beside ours of that scale.
"""

from rtdeclip.benchmarks.papers.describe import Column, System, Table

RNN, DEMUCS = "rnn-paper", "demucs-paper"


def _cells(mse: float, peaq: float) -> dict[str, tuple[float, ...]]:
    return {"mse": (mse,), "peaq_5grade": (peaq,)}


TABLES = (
    Table(
        id="0",
        title="Paper 0 (Lasry & Feldinger), Table 1",
        setup="Hard clip at 0.2 of each file's peak; MSE at the file's own level.",
        paper_data="270 LibriSpeech test files",
        data="speech",
        rate_hz=16000,
        columns=(Column("", "fraction=0.2"),),
        metrics=("mse", "peaq_odg", "peaq_5grade", "rtf"),
        systems=(
            System("Clipped", "bypass", "", False, _cells(6.9e-4, 2.62)),
            System("Cubic", "cubic-paper", "", False, _cells(6e-4, 2.43)),
            System("Cubic", "cubic-paper"),
            System("A-SPADE", "aspade", "window_ms=64", True, _cells(1.5e-4, 3.67)),
            System("RNN, 4 BLSTM", RNN, "", False, _cells(2.4e-4, 3.12)),
            System("RNN, 4 BLSTM", RNN),
            System("DEMUCS", DEMUCS, "", False, _cells(8.7e-5, 3.67)),
            System("DEMUCS", DEMUCS),
            System("Deep filter, 16 ms", "deep-filter", "", False),
            System("Deep filter, 16 ms", "deep-filter"),
            System("cubic", "cubic"),
            System("ar", "ar"),
            System("auto", "auto"),
            System("janssen", "janssen"),
            System("ss-pew", "ss-pew"),
            System("cp-parabola", "cp-parabola"),
        ),
        by="condition",
        remarks=(
            "Paper's PEAQ: its scale is not stated; ODG + 5 is the likely reading. "
            "Both signals are band-limited to 8 kHz. RTF: CPU time, one core.",
            "The paper's DEMUCS (266 M parameters, 40 epochs of 2400 files) beats "
            "A-SPADE; ours does not: 256 times smaller, trained for minutes.",
        ),
    ),
)
