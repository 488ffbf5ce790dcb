"""Two networks' answers to the same images: did one of them get more of them right?"""

from __future__ import annotations


def mcnemar(lost: int, won: int) -> float:
    """Two-sided exact p that right answers are lost as often as they are won.

    `lost` images were right before and are wrong now, `won` the other way round; those that are right twice
    or wrong twice say nothing. p = P(|K − m/2| ≥ |lost − m/2|) with K ~ Binomial(m, ½), m = lost + won; 1
    where m is 0. Raises `ValueError` for negative counts. Source: Q. McNemar, Psychometrika 12, 1947; exact
    as in A. Edwards, Psychometrika 13, 1948.
    """
    if lost < 0 or won < 0:
        raise ValueError(f"counts cannot be negative: {lost}, {won}")
    from scipy.stats import binomtest

    return 1.0 if lost + won == 0 else float(binomtest(lost, lost + won).pvalue)
