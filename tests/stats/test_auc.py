"""AUC as values per image: against scikit-learn, and its interval against simulation."""

from __future__ import annotations

import numpy as np
import pytest

from camaudit import stats


@pytest.mark.parametrize("classes", [2, 4])
def test_the_mean_is_the_auc(classes):
    metrics = pytest.importorskip("sklearn.metrics")
    rng = np.random.default_rng(classes)
    labels = rng.permutation(np.arange(60) % classes)
    scores = rng.normal(0, 1, (60, classes)).round(1)
    scores[np.arange(60), labels] += 0.7
    oracle = [metrics.roc_auc_score(labels == label, scores[:, label]) for label in range(classes)]
    assert stats.auc_values(scores, labels).mean() == pytest.approx(np.mean(oracle))


def test_one_class_tells_nothing():
    assert np.isnan(stats.auc_values(np.zeros((3, 2)), [0, 0, 1])).all()


def test_the_interval_covers():
    """Two classes whose scores are each other's negative: every pair stands twice, and counts once."""
    rng, hits = np.random.default_rng(0), 0
    labels = np.arange(60) % 2
    for _ in range(300):
        score = rng.normal(0, 1, 60) + labels * 1.0
        values = stats.auc_values(np.stack([-score, score], axis=1), labels)
        interval = stats.bootstrap_mean(values, resamples=400)
        hits += interval.lower <= 0.7602 <= interval.upper
    assert 0.90 <= hits / 300 <= 0.99


@pytest.mark.parametrize("classes", [2, 3, 5])
@pytest.mark.parametrize("ties", [False, True])
def test_the_area_below_the_curve_is_the_auc(classes, ties):
    rng = np.random.default_rng(classes)
    labels = np.arange(20) % classes
    scores = rng.normal(size=(20, classes)) + 0.8 * (labels[:, None] == np.arange(classes))
    scores = scores.round() if ties else scores
    points = stats.roc_points(scores, labels)
    assert (points[0] >= 0).all()
    assert points[-1].tolist() == [1.0, 1.0]
    assert (np.diff(points, axis=0) >= -1e-12).all(), "both shares rise"
    area = np.trapezoid(points[:, 1], points[:, 0])
    assert area == pytest.approx(stats.auc_values(scores, labels).mean())


def test_a_curve_of_many_images_is_thinned_and_one_of_too_few_is_none():
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 2, 2000)
    scores = rng.normal(size=(2000, 2)) + labels[:, None] * np.array([-0.5, 0.5])
    points = stats.roc_points(scores, labels)
    assert len(points) <= 200
    assert points[-1].tolist() == [1.0, 1.0]
    area = np.trapezoid(points[:, 1], points[:, 0])
    assert area == pytest.approx(stats.auc_values(scores, labels).mean(), abs=0.01)
    assert stats.roc_points(np.zeros((3, 2)), [0, 0, 1]).shape == (0, 2)
