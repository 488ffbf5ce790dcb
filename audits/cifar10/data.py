"""The first 5,000 test images of CIFAR-10, from the development data beside the checkout.

A. Krizhevsky, “Learning multiple layers of features from tiny images”, 2009.
Nothing of it is in the repository.
"""

from __future__ import annotations

from functools import cache, partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from camaudit import Sample
from camaudit.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Iterator

HOME = Path(__file__).resolve().parents[3] / "shared/data/cifar10"
IMAGES = HOME / "test_0_5000.npz"


def samples() -> Iterator[Sample]:
    """The images in the order of the test set, as `test-0000` and so on.

    Raises `DataError` where the development data is absent.
    """
    _, labels = _test()
    for place, label in enumerate(labels.tolist()):
        yield Sample(id=f"test-{place:04}", image=partial(_image, place), label=label)


def _image(place: int) -> np.ndarray:
    image: np.ndarray = _test()[0][place]
    return image


@cache
def _test() -> tuple[np.ndarray, np.ndarray]:
    """Images uint8 [5000, 32, 32, 3] and labels [5000]."""
    if not IMAGES.is_file():
        raise DataError(
            "the development data is not beside this checkout",
            where=str(IMAGES),
            hint="leave this audit out: pytest audits -m 'not shared_data'",
        )
    with np.load(IMAGES) as file:
        return file["x"], file["y"].ravel()
