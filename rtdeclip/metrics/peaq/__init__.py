"""PEAQ, basic version: how annoying a listener would find the difference.

ITU-R BS.1387-1 (1998–2001), read with the corrections of P. Kabal, "An examination
and interpretation of ITU-R BS.1387", McGill University, 2002. Written from the maths;
agrees with independent implementations to about 0.01 in ODG, which is not a claim of
conformance: the standard's own test items are not free.
"""

from rtdeclip.metrics.peaq.measure import Peaq, peaq

__all__ = ["Peaq", "peaq"]
