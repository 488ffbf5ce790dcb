"""Intervals for the numbers that are gated: numpy in, interval out. SciPy loads when it is used.

What an interval covers is the error of having drawn these images and no others. A kind of failure that
no drawn image shows is in no interval: with n images, one that strikes a share 3/n of all is missed
one time in twenty.
"""

from __future__ import annotations

from camaudit.stats.association import cramers_v, rank_correlation
from camaudit.stats.auc import auc_values, roc_points
from camaudit.stats.bootstrap import bootstrap_mean
from camaudit.stats.interval import Interval, n_to_settle
from camaudit.stats.paired import mcnemar
from camaudit.stats.permutation import holm, max_t, sign_flip
from camaudit.stats.pooled import bootstrap_pooled
from camaudit.stats.shares import share, share_difference, wilson

__all__ = [
    "Interval",
    "auc_values",
    "bootstrap_mean",
    "bootstrap_pooled",
    "cramers_v",
    "holm",
    "max_t",
    "mcnemar",
    "n_to_settle",
    "rank_correlation",
    "roc_points",
    "share",
    "share_difference",
    "sign_flip",
    "wilson",
]
