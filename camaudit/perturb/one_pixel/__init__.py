"""One-pixel attacks: what a single pixel (or three, or five) can do to a network's answer.

Ways to search, each a generator of candidates for one image; `run` advances many of them in full batches:

- `evolution`: differential evolution as in J. Su, D. V. Vargas and K. Sakurai, “One pixel attack for fooling
  deep neural networks”, IEEE TEVC 2019.
- `sweep`: every position in each of the eight corners of the colour cube; exhaustive, without chance.
- `guided`: the same candidates in a clever order, and only so many of them; colours refined at the end.

What a search does not find may still be there: every rate of success is a lower bound.
"""

from __future__ import annotations

from camaudit.perturb.one_pixel.candidates import CORNERS, paint
from camaudit.perturb.one_pixel.evolution import Evolution
from camaudit.perturb.one_pixel.guided import Guided
from camaudit.perturb.one_pixel.oracle import Oracle
from camaudit.perturb.one_pixel.run import Found, run
from camaudit.perturb.one_pixel.sweep import Sweep

__all__ = ["CORNERS", "Evolution", "Found", "Guided", "Oracle", "Sweep", "paint", "run"]
