from __future__ import annotations

import hashlib
import pickle

import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from camaudit.classifier.weights import apply, check_finite, load_weights, read
from camaudit.errors import ModelError
from camaudit.spec.types import WeightsSpec


def network():
    return nn.Sequential(nn.Conv2d(3, 4, 1), nn.BatchNorm2d(4), nn.Flatten(), nn.Linear(4, 2))


@pytest.fixture
def state():
    torch.manual_seed(1)
    return network().state_dict()


@pytest.mark.parametrize(
    ("name", "save"),
    [
        ("weights.safetensors", save_file),
        ("weights.bin", save_file),
        ("weights.pt", torch.save),
        ("weights.pth", lambda state, path: torch.save(state, path, _use_new_zipfile_serialization=False)),
    ],
    ids=["safetensors", "safetensors of another name", "torch", "torch before 1.6"],
)
def test_weights_arrive(tmp_path, state, name, save):
    path = tmp_path / name
    save(state, path)
    made = network()
    digest = load_weights(made, WeightsSpec(path=name), tmp_path)
    assert digest == hashlib.sha256(path.read_bytes()).hexdigest()
    for key, value in made.state_dict().items():
        assert torch.equal(value, state[key])


def test_the_networks_dtype_is_kept(tmp_path, state):
    save_file(state, tmp_path / "w.safetensors")
    made = network().bfloat16()
    load_weights(made, WeightsSpec(path="w.safetensors"), tmp_path)
    assert made[0].weight.dtype == torch.bfloat16
    assert torch.equal(made[0].weight, state["0.weight"].bfloat16())


def test_the_right_sha256_is_accepted_and_a_wrong_one_names_both(tmp_path, state):
    path = tmp_path / "w.safetensors"
    save_file(state, path)
    right, wrong = hashlib.sha256(path.read_bytes()).hexdigest(), "0" * 64
    assert load_weights(network(), WeightsSpec(path=path.name, sha256=right), tmp_path) == right
    made = network()
    before = made[0].weight.clone()
    with pytest.raises(ModelError, match=f"sha256 is {right}, the spec says {wrong}"):
        load_weights(made, WeightsSpec(path=path.name, sha256=wrong), tmp_path)
    assert torch.equal(made[0].weight, before)


def test_missing_file_and_folder(tmp_path):
    with pytest.raises(ModelError, match=r"there is no file .*gone\.safetensors"):
        load_weights(network(), WeightsSpec(path="gone.safetensors"), tmp_path)
    (tmp_path / "folder.pt").mkdir()
    with pytest.raises(ModelError, match="is a folder"):
        load_weights(network(), WeightsSpec(path="folder.pt"), tmp_path)
    with pytest.raises(ModelError, match="the package 'no_such_package' is not installed"):
        load_weights(network(), WeightsSpec(path="package:no_such_package/w.pt"), tmp_path)


class Trap:
    """Writes a file when it is unpickled."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return (open, (str(self.path), "w"))


@pytest.mark.parametrize("new", [True, False])
def test_a_pickle_that_runs_code_is_refused_and_does_not_run(tmp_path, new):
    path, trap = tmp_path / "evil.pt", tmp_path / "sprung"
    torch.save({"weight": Trap(trap)}, path, _use_new_zipfile_serialization=new)
    with pytest.raises(
        ModelError, match=r"weights_only=True, and nothing else is allowed(.|\n)*safetensors"
    ) as told:
        read(path)
    assert not trap.exists()
    assert "Re-running" not in str(told.value), "torch's advice to switch the protection off"


def test_whole_networks_are_refused(tmp_path):
    torch.save(network(), tmp_path / "network.pt")
    with pytest.raises(ModelError, match="nothing else is allowed"):
        read(tmp_path / "network.pt")


@pytest.mark.parametrize(
    "content",
    [b"", b"no weights", b"\x80\x02N.", pickle.dumps({"a": 1}, protocol=2), b"\x10\0\0\0\0\0\0\0{broken"],
)
@pytest.mark.parametrize("name", ["w.pt", "w.safetensors"])
def test_files_that_hold_no_weights(tmp_path, name, content):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(
        ModelError, match=r"cannot be read with weights_only|no complete safetensors file|state dict"
    ):
        read(tmp_path / name)


def test_a_cut_off_safetensors_file(tmp_path, state):
    path = tmp_path / "w.safetensors"
    save_file(state, path)
    path.write_bytes(path.read_bytes()[:-5])
    with pytest.raises(ModelError, match="no complete safetensors file"):
        read(path)


@pytest.mark.parametrize(
    ("content", "found"),
    [
        ({"epoch": 3, "state_dict": {"w": torch.ones(1)}}, "a dict with the keys 'epoch', 'state_dict'"),
        ({}, "a dict without entries"),
        ([torch.ones(1)], "a list"),
        (torch.ones(1), "a Tensor"),
    ],
)
def test_checkpoints_are_not_guessed_at(tmp_path, content, found):
    torch.save(content, tmp_path / "checkpoint.pt")
    with pytest.raises(ModelError, match=f"holds {found}, needed is a state dict"):
        read(tmp_path / "checkpoint.pt")


def test_missing_and_unexpected_names_are_counted_and_shown(state):
    state["head.bias"] = state.pop("3.bias")
    del state["0.weight"]
    with pytest.raises(ModelError, match=r"2 missing \(0\.weight, 3\.bias\), 1 unexpected \(head\.bias\)"):
        apply(network(), state, strict=True, where="w")


def test_only_the_first_names_are_shown():
    with pytest.raises(ModelError, match=r"9 unexpected \(a0, a1, a2, a3, a4, …\)"):
        apply(nn.Flatten(), {f"a{number}": torch.ones(1) for number in range(9)}, strict=True, where="w")


@pytest.mark.parametrize("prefix", ["module.", "_orig_mod.", "model."])
def test_prefixes_are_recognised(state, prefix):
    prefixed = {prefix + name: value for name, value in state.items()}
    with pytest.raises(ModelError, match=f'every name in the file starts with "{prefix}"'):
        apply(network(), prefixed, strict=True, where="w")
    wrapper = nn.Module()
    wrapper.add_module(prefix[:-1], network())
    with pytest.raises(ModelError, match=f'the names in the file lack "{prefix}"'):
        apply(wrapper, state, strict=True, where="w")


def test_other_shapes_are_named(state):
    state["3.weight"] = torch.zeros(10, 4)
    with pytest.raises(ModelError, match=r"3\.weight is \[10, 4\] in the file and \[2, 4\] in the network"):
        apply(network(), state, strict=False, where="w")


def test_strict_false_warns_and_still_needs_something_to_fit(state):
    del state["3.bias"]
    with pytest.warns(UserWarning, match=r"w: 1 missing \(3\.bias\) \(strict: false\)"):
        apply(network(), state, strict=False, where="w")
    with pytest.raises(ModelError, match=r"8 missing .* 1 unexpected"):
        apply(network(), {"other": torch.ones(1)}, strict=False, where="w")


def test_batch_norm_counters_may_be_missing(state):
    del state["1.num_batches_tracked"]
    made = network()
    apply(made, state, strict=True, where="w")
    assert torch.equal(made[0].weight, state["0.weight"])


@pytest.mark.parametrize("value", [float("nan"), float("inf"), float("-inf")])
@pytest.mark.parametrize("name", ["0.weight", "1.running_var"])
def test_broken_tensors_are_named_and_counted(state, name, value):
    made = network()
    state[name].view(-1)[:3] = value
    apply(made, state, strict=True, where="w")
    total = state[name].numel()
    pattern = rf"1 tensors .* {name} has 3 of {total} values NaN or infinite"
    with pytest.raises(ModelError, match=pattern):
        check_finite(made, "model")


def test_many_broken_tensors_are_cut_short():
    made = nn.ModuleList(nn.Linear(1, 1, bias=False) for _ in range(8))
    for layer in made:
        nn.init.constant_(layer.weight, float("nan"))
    with pytest.raises(
        ModelError, match=r"8 tensors .*4\.weight has 1 of 1 values NaN or infinite; and 3 more"
    ):
        check_finite(made, "model")


def test_masks_of_attention_may_be_infinite_but_not_nan():
    made = network()
    made.register_buffer("mask", torch.tensor([0.0, float("-inf")]))
    assert check_finite(made, "model") is None
    made.mask[0] = float("nan")
    with pytest.raises(ModelError, match=r"mask has 1 of 2 values NaN\n"):
        check_finite(made, "model")


@pytest.mark.parametrize("made", [nn.Linear(2, 2, device="meta"), nn.LazyLinear(2)], ids=["meta", "lazy"])
@pytest.mark.filterwarnings("ignore:Lazy modules:UserWarning")
def test_parameters_that_were_never_filled_are_refused(made):
    with pytest.raises(ModelError, match="weight has never been filled"):
        check_finite(made, "model")
