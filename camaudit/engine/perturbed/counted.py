"""A network that counts what it is asked, image by image."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING

import numpy as np

from camaudit.classifier import Classifier

if TYPE_CHECKING:
    from typing import Self

    from torch import Tensor


@dataclass(frozen=True, kw_only=True, eq=False)
class Counted(Classifier):
    """A classifier that notes in `asked` [n] how many answers it gave about each image of a batch.

    A question about as many images as it is bound to, or twice as many, is one or two for each of them; one
    about many versions of a single image counts for that image. Of anything else nobody can tell which
    images were meant: the count of all becomes NaN. What asks `module` directly goes uncounted.
    """

    asked: np.ndarray
    bound: np.ndarray
    """The numbers of the images that it is bound to."""

    def logits(self, images: Tensor) -> Tensor:
        """As the network answers."""
        if len(self.bound):
            each, rest = divmod(len(images), len(self.bound))
            np.add.at(self.asked, self.bound, np.nan if rest else each)
        return super().logits(images)

    def rows(self, index: Tensor) -> Self:
        """The same count, bound to some of the images."""
        return super().rows(index).like(bound=self.bound[index.cpu().numpy()])


def counted(network: Classifier, images: int) -> Counted:
    """The network, to be asked about so many images."""
    own = {item.name: getattr(network, item.name) for item in fields(network) if item.init}
    return Counted(**own, asked=np.zeros(images), bound=np.arange(images)).seen_as(network)
