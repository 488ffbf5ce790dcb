# ruff: noqa: E501 - the spec stands as a person would write it
"""The JSON schema: current, valid, and of one mind with the reader."""

from __future__ import annotations

import json

import pytest
import yaml
from jsonschema import Draft202012Validator

from camaudit import registry
from camaudit.errors import SpecError
from camaudit.spec import read_text
from camaudit.spec.schema import FILE, schema, text

GOOD = """\
version: 1
name: dogs
model:
  factory: models.dogs:load
  weights: {path: dogs.safetensors}
  preprocess: {resize: 256, crop: [224, 224], mean: imagenet, std: [0.2, 0.2, 0.2]}
  classes: [cat, dog]
models:
  bad: {factory: "torchvision:resnet18", weights: random, preprocess: "models.dogs:preprocess"}
maps: {method: hirescam, target: 3, resize: nearest}
data:
  table: {manifest: dogs.csv, allow_unusable: 1/100}
  folder: {folder: dogs, mask: "masks/{stem}.png", label: null}
  coco: {coco: instances.json, images: images}
  voc: {voc: VOC2012, split: val}
  own: {factory: "audits.data:samples"}
defaults: {sample: {n: 300, by: label, seed: 7}, confidence: 0.95}
checks:
  - {id: on-the-dog, kind: overlap, data: table, gate: {at_least: 0.6, decide_on: ci_lower}}
  - {id: area, kind: overlap, data: folder, metric: iou@0.15, gate: {at_least: 0.2}, per_class: {at_least: 0.1, min_n: 30}}
  - {id: bad, kind: overlap, data: coco, model: bad, expect: fail, gate: {at_least: 0.6}}
  - {id: trust, kind: sanity, data: voc, seeds: 2, gate: {all_zero: {at_most: 0.2}}}
"""


@pytest.fixture(scope="module")
def validator():
    return Draft202012Validator(schema())


def test_the_committed_copy_is_current():
    assert FILE.read_text(encoding="utf-8") == text(), (
        "run: camaudit schema --write camaudit/spec/audit.schema.json"
    )


def test_it_is_a_schema_of_its_draft():
    Draft202012Validator.check_schema(schema())
    assert schema()["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    assert "$id" not in schema()


def test_its_text_is_stable():
    assert text() == text()
    assert text().endswith("}\n")
    assert list(json.loads(text())) == sorted(schema())


def test_a_good_spec_is_good_to_both(validator):
    assert read_text(GOOD, "a.yaml").name == "dogs"
    validator.validate(yaml.safe_load(GOOD))


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("version: 1", "version: 2"),
        ("name: dogs", "nam: dogs"),
        ("name: dogs", 'name: "the dogs"'),
        ("factory: models.dogs:load", "factory: models.dogs"),
        ("path: dogs.safetensors", "file: dogs.safetensors"),
        ("resize: 256", "resize: 0"),
        ("mean: imagenet", "mean: imagnet"),
        ("weights: random", "weights: rnd"),
        ("method: hirescam", "method: hirescamm"),
        ("target: 3", "target: labl"),
        ("manifest: dogs.csv", "manifst: dogs.csv"),
        ("manifest: dogs.csv", "manifest: dogs.csv, folder: dogs"),
        ("allow_unusable: 1/100", "allow_unusable: few"),
        ("n: 300", "n: many"),
        ("by: label", "by: labl"),
        ("metric: iou@0.15", "metric: iou"),
        ("metric: iou@0.15", "metric: energy_inside@0.15"),
        ("kind: sanity", "kind: santy"),
        ("expect: fail", "expect: fial"),
        ("id: trust, ", ""),
        ("gate: {at_least: 0.6, decide_on: ci_lower}", "gate: 0.6"),
    ],
)
def test_a_mistake_is_a_mistake_to_both(validator, old, new):
    assert GOOD.count(old) >= 1
    spoilt = GOOD.replace(old, new, 1)
    assert not validator.is_valid(yaml.safe_load(spoilt))
    with pytest.raises(SpecError, match=r"^a\.yaml:\d+:\d+: "):
        read_text(spoilt, "a.yaml")


def test_names_come_from_the_tables():
    definitions = schema()["$defs"]
    assert definitions["MapsSpec"]["properties"]["method"]["enum"] == list(registry.names("map"))
    plain, extended = definitions["OverlapSpec"]["properties"]["metric"]["anyOf"]
    written = [*plain["enum"], *extended["pattern"].partition("(")[2].partition(")")[0].split("|")]
    assert sorted(written) == sorted(registry.names("metric"))
    kinds = [
        definitions[ref["$ref"].rpartition("/")[2]]
        for ref in schema()["properties"]["checks"]["items"]["oneOf"]
    ]
    assert [kind["properties"]["kind"]["const"] for kind in kinds] == list(registry.names("check"))


def test_keys_carry_their_descriptions():
    gate = schema()["$defs"]["MapsSpec"]["properties"]["layer"]["description"]
    assert gate == "A module's dotted name, or ``auto``: the last spatial layer, found by a dry run."
