"""`camaudit init`: a first audit, with comments, for a folder of images."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from camaudit.commands.survey import Survey

PLACEHOLDER = "models:load"
SMALL = 64
"""Images of one size up to this side are likely made for the network: no resizing is suggested."""

_WORDS = {"true", "false", "null", "yes", "no", "on", "off", "y", "n"}


@click.command()
@click.argument("images_folder", type=click.Path(path_type=Path))
@click.option(
    "--model", metavar="MODEL", help="module:callable that returns the network, or torchvision:NAME."
)
@click.option(
    "--masks",
    metavar="PATTERN",
    help="Where an image's mask lies, e.g. 'masks/{stem}.png', seen from IMAGES_FOLDER.",
)
@click.option(
    "--output", type=click.Path(path_type=Path), help="The audit to write.  [default: audits/NAME.audit.yaml]"
)
def init(images_folder: Path, model: str | None, masks: str | None, output: Path | None) -> None:
    """Write a first audit for a folder of images.

    Finds classes (sub-folders), image sizes and masks, and writes a commented spec to start from. Never
    overwrites a file.

    \b
      camaudit init photos/ --model models.dogs:load
      camaudit init photos/ --model torchvision:resnet50 --masks 'masks/{stem}.png'
    """  # noqa: D301 - click reads the backspace
    from camaudit.commands.survey import survey
    from camaudit.errors import DataError
    from camaudit.spec import read_text
    from camaudit.spec.read import SUFFIX

    name = _identifier(images_folder.resolve().name)
    path = output or Path("audits") / f"{name}{SUFFIX}"
    if not path.name.endswith(SUFFIX):
        raise click.UsageError(
            f"--output {path}: audits are called NAME{SUFFIX}, or pytest does not find them"
        )
    if path.exists():
        raise click.UsageError(
            f"{path} exists already and is left as it is; choose another name with --output"
        )
    if model is not None and not re.fullmatch(r"[A-Za-z_][\w.]*:.+", model):
        raise click.UsageError(f"--model {model}: write module:callable or torchvision:NAME")
    try:
        found = survey(images_folder, masks)
    except DataError as error:
        raise click.UsageError(str(error)) from None
    text = spec_text(_identifier(path.name.removesuffix(SUFFIX)), found, model, path.parent)
    read_text(text, path)
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("x", encoding="utf-8") as file:
        file.write(text)
    click.echo("\n".join(_next_steps(path, found, model)))


def spec_text(name: str, found: Survey, model: str | None, home: Path) -> str:
    """The spec as text; `home` is the folder that it will lie in."""
    parts = (_head(name, home), _model(found, model, home), _data(name, found, home), _checks(found))
    return "\n".join(line for part in parts for line in (*part, "")).rstrip() + "\n"


def _head(name: str, home: Path) -> list[str]:
    return [
        _schema_line(home),
        "version: 1",
        f"name: {quoted(name)}",
        'description: ""  # what is audited, and why; the report shows it',
    ]


def _schema_line(home: Path) -> str:
    """Where editors find the schema; a path into some environment would hold on this machine only."""
    from camaudit.spec.schema import FILE

    if FILE.is_relative_to(Path.cwd()):
        return f"# yaml-language-server: $schema={_seen_from(home, FILE)}"
    return "# For completion in editors: camaudit schema --write audit.schema.json, then here $schema=…"


def _seen_from(home: Path, path: Path) -> str:
    return Path(os.path.relpath(path, home)).as_posix()


def _model(found: Survey, model: str | None, home: Path) -> list[str]:
    lines = ["model:"]
    if model is None:
        lines.append(f"  factory: {PLACEHOLDER}  # <- yours: module:callable, or torchvision:NAME")
    else:
        lines.append(f"  factory: {quoted(model)}")
    ready = model is not None and model.startswith("torchvision:")
    if ready:
        weights = _seen_from(home, Path("weights") / f"{str(model).partition(':')[2]}.safetensors")
        lines.append("  # arguments: {num_classes: 10}                 # where the head is your own")
        lines.append(
            "  # Weights are never downloaded: name the file (safetensors, or a state dict saved by torch)."
        )
        lines.append(f"  weights: {{path: {quoted(weights)}}}")
    else:
        lines.append("  # weights: {path: weights/model.safetensors}   # or the callable loads them itself")
    lines += _preprocess(found, ready=ready)
    if found.classes:
        lines.append("  # In the order of the network's outputs. These are the sub-folders: check the order.")
        lines.append("  classes:")
        lines += [f"    - {quoted(label)}" for label in found.classes]
    else:
        lines.append("  # classes: [cat, dog]                          # names in the order of the outputs")
    return lines


def _preprocess(found: Survey, *, ready: bool) -> list[str]:
    usual = "preprocess: {resize: 256, crop: 224, mean: imagenet, std: imagenet}"
    if ready:
        return ["  # torchvision networks bring their preprocessing. To replace it:", f"  # {usual}"]
    small = len(found.sizes) == 1 and max(found.sizes[0]) <= SMALL
    what = "  # What the network was trained with; masks go through the same geometry."
    return [what, f"  # {usual}" if small else f"  {usual}"]


def _data(name: str, found: Survey, home: Path) -> list[str]:
    listing = found.listing
    lines = ["data:", f"  {quoted(name)}:", f"    # {listing.found:,} images{_sizes(found)}"]
    lines.append(f"    folder: {quoted(_seen_from(home, found.folder))}")
    lines.append(f"    images: {quoted(found.images)}")
    if found.mask:
        lines.append(f"    mask: {quoted(found.mask)}")
    else:
        lines.append(
            "    # mask: masks/{stem}.png                     # seen from the folder; also {id}, {class}"
        )
    if not found.classes:
        lines.append(
            "    label: null  # no class folders; or a regular expression on the file name: ^([a-z]+)_"
        )
    if listing.unusable:
        reasons = ", ".join(f"{reason}: {count}" for reason, count in listing.reasons.items())
        share = len(listing.unusable) / listing.found
        lines.append(f"    # {len(listing.unusable):,} cannot be used ({reasons}). Mend that, or allow it:")
        lines.append(f"    # allow_unusable: {min(1.0, round(share + 0.005, 2)):g}")
    return lines


def _sizes(found: Survey) -> str:
    if not found.sizes:
        return ""
    if len(found.sizes) == 1:
        return " of {}×{} pixels".format(*found.sizes[0])
    smallest, largest = (sort(found.sizes, key=lambda size: size[0] * size[1]) for sort in (min, max))
    return " from {}×{} to {}×{} pixels".format(*smallest, *largest)


def _checks(found: Survey) -> list[str]:
    overlap = [
        "- id: on-the-object",
        "  kind: overlap",
        "  metric: energy_inside     # the share of the map's mass inside the mask; others: camaudit list",
        "  # Decide the bound before you look at the result: what would make you distrust the network?",
        "  gate: {at_least: 0.50}    # the lower end of the 95 % interval decides",
    ]
    sanity = [
        "- id: maps-can-be-trusted",
        "  kind: sanity              # maps must change when the network's parameters are drawn anew",
    ]
    head = ["checks:"]
    if found.mask:
        return [*head, *(f"  {line}" for line in (*overlap, *sanity))]
    why = "  # No masks were found. With masks, ask whether attention lies on the object:"
    return [*head, *(f"  {line}" for line in sanity), why, *(f"  # {line}" for line in overlap)]


def _next_steps(path: Path, found: Survey, model: str | None) -> list[str]:
    listing = found.listing
    classes = f"{len(found.classes)} classes" if found.classes else "no class folders"
    masks = f"masks by {found.mask}" if found.mask else "no masks"
    lines = [
        f"wrote {path}: {listing.found:,} images, {len(listing.samples):,} usable, {classes}, {masks}",
        "next:",
    ]
    if model is None:
        lines.append(f"  name your network in {path} (model.factory)")
    if not found.mask:
        lines.append(
            "  add masks (data: mask) and the commented check, or the audit cannot ask where attention lies"
        )
    return [*lines, f"  camaudit check {path}", f"  camaudit run {path}"]


def quoted(text: str) -> str:
    """A text as YAML that stays text, in YAML 1.1 too: plain where that is safe, else in double quotes."""
    plain = re.fullmatch(r"[A-Za-z][A-Za-z0-9_./-]*(?::[A-Za-z0-9_.]+)?", text)
    if plain and text.lower() not in _WORDS:
        return text
    import yaml

    return str(yaml.safe_dump(text, default_style='"', allow_unicode=True, width=10**9)).strip()


def _identifier(text: str) -> str:
    """A folder's name as an audit's name."""
    kept = re.sub(r"[^A-Za-z0-9._-]+", "-", text).strip("-._")[:80]
    return kept or "images"
