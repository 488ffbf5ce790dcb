"""What one Grad-CAM costs: time and memory against the bare forward and against other libraries.

Everything runs in one process on the same images, interleaved, and ratios to the bare forward of the
same round are what counts. See README.md for how to install the peers and for the full run.
"""

from __future__ import annotations

import argparse
import gc
import json
import os
import statistics
import tempfile
import time
from collections.abc import Callable
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
import torchvision
from torch import Tensor, nn
from torch.profiler import ProfilerActivity, profile

from camaudit.maps.compute import Request, compute
from camaudit.maps.layers import auto_layer
from camaudit.targets import select

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

MIB = 2**20
Run = Callable[[Tensor, list[int]], Any]
"""Maps of images [n, 3, h, w] for a class per image."""


@dataclass(frozen=True, kw_only=True)
class Bare:
    """A network in pixel space without preprocessing, as camaudit's maps need it."""

    module: nn.Module
    device: torch.device

    def logits(self, images: Tensor) -> Tensor:
        """What the module puts out."""
        output: Tensor = self.module(images)
        return output

    def rows(self, index: Tensor) -> Bare:  # noqa: ARG002 - it takes nothing but images
        """Itself."""
        return self


@dataclass(frozen=True, kw_only=True)
class Setting:
    """What is measured: a network, the layer's name, the images."""

    name: str
    module: nn.Module
    layer: str
    images: Tensor

    @property
    def target_layer(self) -> nn.Module:
        """The module of that name."""
        return self.module.get_submodule(self.layer)


@dataclass(kw_only=True)
class Figures:
    """One contestant on one network and batch. Ratios and times are medians over rounds; memory in MiB."""

    network: str
    batch: int
    contestant: str
    milliseconds: float = 0.0
    images_per_second: float = 0.0
    ratio: float = 0.0
    spread: float = 0.0
    many_ratio: float | None = None
    peak: float = 0.0
    held: float = 0.0
    failed: str = ""


def bare(setting: Setting) -> AbstractContextManager[Run]:
    def run(images: Tensor, _targets: list[int]) -> Tensor:
        with torch.no_grad():
            output: Tensor = setting.module(images)
            return output

    return nullcontext(run)


def camaudit_(setting: Setting) -> AbstractContextManager[Run]:
    network = Bare(module=setting.module, device=setting.images.device)

    def run(images: Tensor, targets: list[int]) -> Any:
        if len(targets) == len(images):
            wanted = [torch.tensor(targets)]
        else:  # several targets of one image, from one forward
            wanted = [torch.tensor([target]) for target in targets]
        requests = [Request(method="gradcam", targets=each) for each in wanted]
        return compute(network, images, layer=setting.layer, requests=requests).maps

    return nullcontext(run)


@contextmanager
def grad_cam(setting: Setting) -> Iterator[Run]:
    from pytorch_grad_cam import GradCAM
    from pytorch_grad_cam.utils.model_targets import ClassifierOutputTarget

    with GradCAM(model=setting.module, target_layers=[setting.target_layer]) as extractor:

        def run(images: Tensor, targets: list[int]) -> Any:
            groups = [targets] if len(targets) == len(images) else [[target] for target in targets]
            return [
                extractor(input_tensor=images, targets=[ClassifierOutputTarget(target) for target in group])
                for group in groups
            ]

        yield run


@contextmanager
def torchcam_(setting: Setting) -> Iterator[Run]:
    from torchcam.methods import GradCAM

    with GradCAM(setting.module, target_layer=setting.layer) as extractor:

        def run(images: Tensor, targets: list[int]) -> Any:
            scores = setting.module(images)
            if len(targets) == len(images):
                return extractor(targets, scores)
            return [extractor(target, scores, retain_graph=True) for target in targets]

        yield run


def captum_(setting: Setting) -> AbstractContextManager[Run]:
    from captum.attr import LayerGradCam

    explainer = LayerGradCam(setting.module, setting.target_layer)

    def run(images: Tensor, targets: list[int]) -> Any:
        groups = [targets] if len(targets) == len(images) else [[target] for target in targets]
        return [
            explainer.attribute(images, torch.tensor(group, device=images.device), relu_attributions=True)
            for group in groups
        ]

    return nullcontext(run)


CONTESTANTS: dict[str, Callable[[Setting], AbstractContextManager[Run]]] = {
    "bare forward": bare,
    "camaudit": camaudit_,
    "grad-cam": grad_cam,
    "torchcam": torchcam_,
    "captum": captum_,
}
MODULES = {"grad-cam": "pytorch_grad_cam", "torchcam": "torchcam", "captum": "captum"}


def installed(name: str) -> bool:
    from importlib.util import find_spec

    return name not in MODULES or find_spec(MODULES[name]) is not None


def wait(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def timed(name: str, setting: Setting, images: Tensor, targets: list[int]) -> float:
    """Seconds of one call; setting up and taking down a library's hooks is not counted."""
    with CONTESTANTS[name](setting) as run:
        wait(images.device)
        start = time.perf_counter()
        result = run(images, targets)
        wait(images.device)
        seconds = time.perf_counter() - start
        del result
    setting.module.zero_grad(set_to_none=True)
    gc.collect()
    return seconds


def rounds(
    names: Sequence[str], setting: Setting, images: Tensor, targets: list[int], n: int
) -> dict[str, list[float]]:
    """Seconds per contestant, interleaved; the order turns with every round, the first one warms up."""
    found: dict[str, list[float]] = {name: [] for name in names}
    for number in range(n + 1):
        turn = number % len(names)
        for name in [*names[turn:], *names[:turn]]:
            seconds = timed(name, setting, images, targets)
            if number:
                found[name].append(seconds)
    return found


def memory(name: str, setting: Setting, images: Tensor, targets: list[int]) -> tuple[float, float]:
    """MiB at the peak of one call above what was there, and MiB still there after it, its result dropped.

    Held is what a library keeps while its extractor lives; parameters' gradients count. Nothing is
    garbage-collected in between.
    """
    with CONTESTANTS[name](setting) as run:
        gc.collect()
        peak, held = (_cuda_memory if images.device.type == "cuda" else _cpu_memory)(
            lambda: run(images, targets)
        )
    setting.module.zero_grad(set_to_none=True)
    gc.collect()
    return peak / MIB, held / MIB


def _cuda_memory(call: Callable[[], Any]) -> tuple[int, int]:
    torch.cuda.synchronize()
    before = torch.cuda.memory_allocated()
    torch.cuda.reset_peak_memory_stats()
    result = call()
    torch.cuda.synchronize()
    peak = torch.cuda.max_memory_allocated() - before
    del result
    return peak, torch.cuda.memory_allocated() - before


def _cpu_memory(call: Callable[[], Any]) -> tuple[int, int]:
    """By torch's own records: the running sum of every allocation and release in the order of their times."""
    gc.disable()
    try:
        with profile(activities=[ProfilerActivity.CPU], profile_memory=True) as record:
            result = call()
            del result
    finally:
        gc.enable()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "trace.json")
        record.export_chrome_trace(str(path))
        events = json.loads(path.read_text(encoding="utf-8"))["traceEvents"]
    steps = sorted(
        (event["ts"], event["args"]["Bytes"]) for event in events if event.get("name") == "[memory]"
    )
    if not steps:
        raise RuntimeError("the profiler recorded no allocation: memory cannot be measured here")
    total = peak = 0
    for _, size in steps:
        total += size
        peak = max(peak, total)
    return peak, total


def measure(names: Sequence[str], setting: Setting, options: argparse.Namespace) -> list[Figures]:
    batch = len(setting.images)
    targets = [int(item) for item in torch.arange(batch) * 37 % 1000]
    figures = {name: Figures(network=setting.name, batch=batch, contestant=name) for name in names}
    able = []
    for name in names:
        try:
            timed(name, setting, setting.images, targets)
            able.append(name)
        except (
            TypeError,
            RuntimeError,
            AttributeError,
            ValueError,
        ) as error:  # a peer that cannot do this case
            figures[name].failed = f"{type(error).__name__}: {error}".splitlines()[0]
    seconds = rounds(able, setting, setting.images, targets, options.rounds)
    many = list(range(0, 100 * options.targets, 100))
    several = rounds(able, setting, setting.images[:1], many, options.rounds) if batch == 1 else {}
    for name in able:
        mine = figures[name]
        ratios = _ratios(seconds, name)
        mine.milliseconds = 1000 * statistics.median(seconds[name])
        mine.images_per_second = 1000 * batch / mine.milliseconds
        mine.ratio, mine.spread = statistics.median(ratios), _spread(ratios)
        mine.many_ratio = statistics.median(_ratios(several, name)) if several else None
        mine.peak, mine.held = memory(name, setting, setting.images, targets)
    return list(figures.values())


def _ratios(seconds: dict[str, list[float]], name: str) -> list[float]:
    return [mine / floor for mine, floor in zip(seconds[name], seconds["bare forward"], strict=True)]


def _spread(values: list[float]) -> float:
    """Half the distance of the quartiles."""
    if len(values) < 4:
        return 0.0
    low, _, high = statistics.quantiles(values, n=4)
    return (high - low) / 2


def table(figures: Sequence[Figures], targets: int) -> str:
    head = f"{'network':10} {'batch':>5} {'contestant':13} {'ms':>9} {'img/s':>9} {'× forward':>14} "
    lines = [head + f"{f'{targets} targets':>10} {'peak MiB':>9} {'× forward':>9} {'held MiB':>9}"]
    floors = {(item.network, item.batch): item for item in figures if item.contestant == "bare forward"}
    for item in figures:
        start = f"{item.network:10} {item.batch:5} {item.contestant:13} "
        if item.failed:
            lines.append(f"{start}failed: {item.failed}")
            continue
        many = f"{item.many_ratio:.2f}" if item.many_ratio is not None else "–"
        peak = item.peak / floors[item.network, item.batch].peak
        times = (
            f"{item.milliseconds:9.1f} {item.images_per_second:9.1f} {item.ratio:8.3f} ±{item.spread:.3f} "
        )
        lines.append(f"{start}{times}{many:>10} {item.peak:9.1f} {peak:9.2f} {item.held:9.1f}")
    return "\n".join(lines)


def resident() -> float:
    """MiB of this process in main memory (Linux)."""
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / MIB


def flat(setting: Setting, batches: int) -> list[tuple[int, float]]:
    """Memory after every tenth of `batches` calls on fresh images. Nothing is garbage-collected."""
    network = Bare(module=setting.module, device=setting.images.device)
    predicted = partial(select, "predicted")
    marks = []
    gc.collect()
    gc.disable()
    for number in range(1, batches + 1):
        images = torch.rand_like(setting.images)
        requests = [Request(method=name, targets=predicted) for name in ("gradcam", "hirescam")]
        compute(network, images, layer=setting.layer, requests=requests)
        if number % max(batches // 10, 1) == 0:
            cuda = images.device.type == "cuda"
            marks.append((number, torch.cuda.memory_allocated() / MIB if cuda else resident()))
            print(
                f"{setting.name} batch {len(images)}: {number:6} batches  {marks[-1][1]:9.1f} MiB", flush=True
            )
    gc.enable()
    growth = marks[-1][1] - marks[0][1]
    print(f"growth from batch {marks[0][0]} to {marks[-1][0]}: {growth:+.1f} MiB", flush=True)
    return marks


def prepare(name: str, batch: int, options: argparse.Namespace) -> Setting:
    torch.manual_seed(0)
    device = torch.device(options.device)
    dtype = getattr(torch, options.dtype)
    layout = torch.channels_last if options.channels_last else torch.contiguous_format
    module = getattr(torchvision.models, name)(weights=None).eval().to(device, dtype, memory_format=layout)
    module.requires_grad_(requires_grad=not options.frozen)
    images = torch.rand(batch, 3, options.size, options.size).to(device, dtype, memory_format=layout)
    layer = auto_layer(Bare(module=module, device=device), images).name
    return Setting(name=name, module=module, layer=layer, images=images)


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--networks", nargs="+", default=["resnet18", "resnet50"], help="names in torchvision.models"
    )
    parser.add_argument("--batches", nargs="+", type=int, default=[1, 16])
    parser.add_argument("--size", type=int, default=224, help="side of the images")
    parser.add_argument("--rounds", type=int, default=15, help="interleaved rounds; medians are shown")
    parser.add_argument(
        "--targets", type=int, default=5, help="targets of one image in the column of that name"
    )
    parser.add_argument("--only", nargs="+", choices=[*CONTESTANTS], help="leave the other contestants out")
    parser.add_argument("--threads", type=int, help="torch threads (default: torch's own)")
    parser.add_argument("--device", default="cpu", help="cpu or cuda")
    parser.add_argument(
        "--dtype", choices=["float32", "bfloat16"], help="default: bfloat16 on cuda, else float32"
    )
    parser.add_argument(
        "--channels-last", action=argparse.BooleanOptionalAction, help="default: on cuda only"
    )
    parser.add_argument("--frozen", action="store_true", help="parameters without requires_grad")
    parser.add_argument(
        "--flat", type=int, metavar="N", help="run N batches of camaudit and show memory instead"
    )
    parser.add_argument("--json", type=Path, metavar="FILE")
    options = parser.parse_args()
    cuda = options.device.startswith("cuda")
    options.dtype = options.dtype or ("bfloat16" if cuda else "float32")
    options.channels_last = cuda if options.channels_last is None else options.channels_last
    return options


def main() -> None:
    options = arguments()
    if options.threads:
        torch.set_num_threads(options.threads)
    wanted = options.only or list(CONTESTANTS)
    names = ["bare forward", *(name for name in wanted if name != "bare forward" and installed(name))]
    for name in wanted:
        if not installed(name):
            print(f"{name} is not installed: left out (benchmarks/README.md says how)")
    figures: list[Figures] = []
    marks: dict[str, list[tuple[int, float]]] = {}
    for network in options.networks:
        for batch in options.batches:
            setting = prepare(network, batch, options)
            if options.flat:
                marks[f"{network} batch {batch}"] = flat(setting, options.flat)
            else:
                rows = measure(names, setting, options)
                print(table(rows, options.targets), flush=True)
                figures += rows
            if options.json:  # after every setting: a run that is cut short has not measured for nothing
                write(options, figures, marks)


def write(
    options: argparse.Namespace, figures: Sequence[Figures], marks: dict[str, list[tuple[int, float]]]
) -> None:
    record = {
        "settings": {key: str(value) for key, value in vars(options).items()},
        "torch": torch.__version__,
        "threads": torch.get_num_threads(),
        "device": torch.cuda.get_device_name() if options.device.startswith("cuda") else "cpu",
        "figures": [asdict(item) for item in figures],
        "memory_mib": marks,
    }
    options.json.write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
