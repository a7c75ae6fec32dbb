"""The papers' tables again, with our numbers beside the published ones.

One file per paper describes its tables; ``engine`` measures them, ``show`` prints them,
``figures`` draws them.
"""

from rtdeclip.benchmarks.papers import (
    live,
    paper0,
    paper1,
    paper2,
    paper3,
    paper4,
    survey,
)
from rtdeclip.benchmarks.papers.describe import Special, Table

PAPERS: dict[str, tuple[Table | Special, ...]] = {
    "0": paper0.TABLES,
    "1": paper1.TABLES,
    "2": paper2.TABLES,
    "3": paper3.TABLES,
    "4": paper4.TABLES,
    "survey": survey.TABLES,
    "live": live.TABLES,
}
