"""Cutting PyTorch modules into stages, without compiling them: what crosses, what is computed, what is refused."""

import itertools
import sys
import threading
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="PyTorch is not installed (models/requirements-torch.txt)")

import torch_modules  # noqa: E402

from daris_package.errors import PackageError  # noqa: E402
from daris_package.pytorch import catalogue, cuts  # noqa: E402
from daris_package.pytorch.alone import alone  # noqa: E402
from daris_package.pytorch.difference import Whole, run_stages, stage_difference, whole_difference  # noqa: E402
from daris_package.pytorch.onnx_stages import cpu_engine  # noqa: E402
from daris_package.pytorch.plan import TorchPlan  # noqa: E402
from daris_package.pytorch.retarget import compute_module  # noqa: E402
from daris_package.pytorch.stages import cut  # noqa: E402
from daris_package.pytorch.timing import node_times  # noqa: E402
from daris_package.pytorch.traced import trace  # noqa: E402
from daris_package.pytorch.unet import UNet  # noqa: E402
from daris_package.pytorch.weights import make_module  # noqa: E402

# torch's exporters warn of their own parts.
pytestmark = pytest.mark.filterwarnings("ignore")

FILE = Path(torch_modules.__file__)


def image(batch=2, size=16):
    return torch.rand(batch, 3, size, size, generator=torch.Generator().manual_seed(batch))


def staged_by_name(module, x, *split):
    traced = trace(module.eval(), (x,))
    return cut(traced, cuts.named_cuts(traced, split), split, "FP32")


def run(staged, x, modules=None):
    return run_stages(staged.stages, modules or staged.modules, {staged.inputs[0]: x})


def test_a_skip_connection_is_read_by_a_later_stage():
    staged = staged_by_name(torch_modules.skipping(), image(), "first", "second")
    assert [(s.name, s.inputs, s.outputs) for s in staged.stages] == [
        ("stage-00", ("image",), ("first",)),
        ("stage-01", ("first",), ("second",)),
        ("stage-02", ("first", "second"), ("output",)),
    ]
    assert [t.name for t in staged.borders] == ["first", "second"]
    assert staged.tensors["first"].shape == (-1, 8, 16, 16)


def test_stages_compute_what_the_module_does_and_change_nothing_in_place():
    module, x = torch_modules.skipping().eval(), image()
    staged = staged_by_name(module, x, "first", "second")
    tensors = run(staged, x)
    first = tensors["first"].clone()
    run_stages(staged.stages[1:], staged.modules[1:], tensors)
    torch.testing.assert_close(tensors["first"], first, rtol=0, atol=0)
    torch.testing.assert_close(tensors["output"], module(x))


def test_each_stage_has_its_own_weights_only():
    staged = staged_by_name(torch_modules.skipping(), image(), "first", "second")
    weights = [sum(p.numel() for p in part.state_dict().values()) for part in staged.modules]
    assert weights == [3 * 8 * 9 + 8, 8 * 8 * 9 + 8, 16 * 8 * 9 + 8 + 8 * 5 + 5]


def batch_norms(staged):
    nodes = [node for module in staged.modules for node in module.graph.nodes]
    return [node for node in nodes if "batch_norm" in str(node.target)]


def with_statistics(module):
    for part in module.modules():
        if isinstance(part, torch.nn.BatchNorm2d):
            for value in (part.running_mean, part.weight.data, part.bias.data):
                value.uniform_(-1, 1)
            part.running_var.uniform_(0.5, 2)
    return module.eval()


def test_batch_normalisation_is_folded_into_the_convolution_before_it():
    module, x = with_statistics(torch_modules.skipping()), image()
    staged = staged_by_name(module, x, "first.0", "second")
    assert batch_norms(staged) == []
    torch.testing.assert_close(run(staged, x)["output"], module(x))
    torch.testing.assert_close(run(staged, x)["first.0"], module.first[1](module.first[0](x)))


def test_a_convolution_that_others_read_too_keeps_its_weights():
    module, x = with_statistics(torch_modules.twice_read()), image()
    staged = staged_by_name(module, x, "convolution")
    assert len(batch_norms(staged)) == 1
    torch.testing.assert_close(run(staged, x)["output"], module(x))


def test_times_are_taken_one_at_a_time():
    entered = threading.Event()

    def other():
        with alone():
            entered.set()

    thread = threading.Thread(target=other)
    with alone():
        thread.start()
        assert not entered.wait(0.1)
    assert entered.wait(10)
    thread.join()


def test_border_images_have_their_channels_innermost_in_fp16():
    staged = staged_by_name(torch_modules.skipping(), image(), "first", "second")
    modules = [compute_module(staged, index, "FP16", "cpu", "channels_last") for index in range(3)]
    tensors = run(staged, image().half(), modules)
    assert tensors["first"].is_contiguous(memory_format=torch.channels_last)
    assert not tensors["first"].is_contiguous()
    assert tensors["output"].is_contiguous()
    assert tensors["output"].dtype == torch.float16


def test_constants_made_inside_take_the_packages_precision():
    module, x = torch_modules.Constant().eval(), torch.rand(2, 4)
    staged = staged_by_name(module, x, "first")
    modules = [compute_module(staged, index, "FP16", "cpu", "channels_last") for index in range(2)]
    output = run(staged, x.half(), modules)["output"]
    assert output.dtype == torch.float16
    torch.testing.assert_close(output.float(), module(x), rtol=0, atol=0.05)


def test_unet_is_cut_with_its_skips():
    torch.manual_seed(0)
    module, x = UNet(width=4).eval(), image(size=32)
    traced = trace(module, (x,))
    positions = cuts.timed_cuts(traced, [1.0] * len(traced.nodes), 4)
    staged = cut(traced, positions, (), "FP32")
    assert len(staged.stages) == 4
    assert any(set(stage.inputs) - set(before.outputs) for before, stage in itertools.pairwise(staged.stages))
    torch.testing.assert_close(run(staged, x)["output"], module(x))


@pytest.mark.parametrize("precision", ["FP16", "FP32"])
def test_each_node_is_timed(precision):
    traced = trace(torch_modules.skipping().eval(), (image(),))
    x = image().half() if precision == "FP16" else image()
    times = node_times(traced, (x,), precision, "cpu", "contiguous")
    assert len(times) == len(traced.nodes)
    assert all(time > 0 for time in times)


def test_a_stage_starts_at_a_costly_operator():
    traced = trace(torch_modules.skipping().eval(), (image(),))
    starts = {str(traced.nodes[c.position].target) for c in cuts.candidates(traced)}
    assert starts == {"aten.conv2d.default", "aten.cat.default", "aten.linear.default"}


def test_cuts_are_found_again_at_another_batch():
    module = torch_modules.skipping().eval()
    small, large = trace(module, (image(1),)), trace(module, (image(8),))
    starts = [small.nodes[p].name for p in cuts.named_cuts(small, ("first",))]
    assert cuts.positions_of(large, starts) == cuts.named_cuts(large, ("first",))
    with pytest.raises(PackageError, match=r"at batch 8 the module computes otherwise: it has no 'conv9'"):
        cuts.positions_of(large, ["conv9"])


SPLITS = {
    "unknown": (["frist"], "--split frist: the module has no part of that name; the nearest are 'first'"),
    "order": (["second", "first"], "--split first: it does not end after 'second'"),
    "twice": (["first", "first"], "--split first: it does not end after 'first'"),
    "last": (["head"], "--split head: nothing is left to compute after it"),
}


@pytest.mark.parametrize(("split", "message"), SPLITS.values(), ids=SPLITS.keys())
def test_bad_splits_are_refused(split, message):
    with pytest.raises(PackageError) as refusal:
        staged_by_name(torch_modules.skipping(), image(), *split)
    assert message in str(refusal.value)


def test_a_border_without_batch_is_refused():
    with pytest.raises(PackageError, match=r"--split first: tensor .* of shape \[6, 4\] .* is no batch"):
        staged_by_name(torch_modules.Flattening(), torch.rand(2, 3, 4), "first")


MODULES = {
    "changes a buffer": (torch_modules.Counting(), "the module changes its buffer 'calls' while it computes"),
    "answers its input": (torch.nn.Identity(), "output 0 of the module is no tensor that it computes"),
    "answers one tensor twice": (torch_modules.Twice(), "the module answers the same tensor twice"),
    "does not take the input": (torch.nn.Linear(5, 5), "the module cannot be exported"),
}


@pytest.mark.parametrize(("module", "message"), MODULES.values(), ids=MODULES.keys())
def test_modules_that_make_no_package_are_refused(module, message):
    with pytest.raises(PackageError, match=message):
        trace(module.eval(), (torch.rand(2, 4),))


def test_a_module_that_mixes_its_batch_is_refused():
    torch.manual_seed(0)
    module, x = torch_modules.Mixing().eval(), torch.rand(2, 4)
    staged = staged_by_name(module, x, "first")
    whole = Whole(module, "cpu", staged.inputs, staged.outputs)
    with pytest.raises(PackageError, match=r"at batch 2 output 'output' .* mixes the elements of a batch"):
        whole_difference(whole, [x], run(staged, x), 1e-4)
    alone = staged_by_name(module, x[:1], "first")
    assert whole_difference(whole, [x[:1]], run(alone, x[:1]), 1e-4) <= 1e-4


def test_a_stage_that_computes_otherwise_is_named():
    x = image()
    staged = staged_by_name(torch_modules.skipping(), x, "first", "second")
    expected, got = run(staged, x), run(staged, x)
    assert stage_difference(staged.stages, got, expected, 2, 1e-4) == 0
    got["second"] = got["second"] + 0.01
    with pytest.raises(PackageError, match=r"at batch 2 stage-01 writes 'second' with a difference of \d"):
        stage_difference(staged.stages, got, expected, 2, 1e-4)


def test_unknown_models_are_answered_with_the_nearest():
    with pytest.raises(PackageError, match=r"no model 'resnet20'; the nearest are resnet.*FILE.py:FACTORY"):
        catalogue.make("resnet20")


FACTORIES = {
    "missing file": ("nowhere.py:make", "nowhere.py: no such file"),
    "missing function": (f"{FILE}:make", "has no function 'make'"),
    "raises": (f"{FILE}:failing", "the factory raised ValueError: no such checkpoint"),
    "no module": (f"{FILE}:number", "the factory answered a int; expected a torch.nn.Module"),
}


@pytest.mark.parametrize(("model", "message"), FACTORIES.values(), ids=FACTORIES.keys())
def test_bad_factories_are_refused(model, message):
    with pytest.raises(PackageError, match=message):
        catalogue.make(model)


def test_a_file_that_does_not_run_is_refused(tmp_path):
    (tmp_path / "broken.py").write_text("import nothing_of_this_name")
    with pytest.raises(PackageError, match=r"cannot be imported: ModuleNotFoundError"):
        catalogue.make(f"{tmp_path / 'broken.py'}:make")


def plan_of(model, **more):
    return TorchPlan("model", model, (1,), device="cpu", **more)


def test_random_weights_depend_on_the_seed_alone_and_have_statistics():
    x = image(4, 32)
    one, same, other = (make_module(plan_of("unet", seed=seed), (x,)).state_dict() for seed in (1, 1, 2))
    assert all(torch.equal(one[name], same[name]) for name in one)
    assert not torch.equal(one["enter.0.weight"], other["enter.0.weight"])
    assert one["enter.1.running_mean"].abs().max() > 0
    assert one["enter.0.weight"].equal(one["enter.0.weight"].half().float())


def test_weights_come_from_a_file(tmp_path):
    model = f"{FILE}:skipping"
    state = {name: torch.zeros_like(value) for name, value in torch_modules.skipping().state_dict().items()}
    torch.save(state, tmp_path / "zeros.pt")
    module = make_module(plan_of(model, weights=tmp_path / "zeros.pt"), (image(),))
    assert all(not value.any() for value in module.state_dict().values())


BAD_WEIGHTS = {
    "missing": (None, "no such file"),
    "text": (b"hello", "is no state dict of this module"),
    "another model's": ({"other": torch.zeros(1)}, "is no state dict of this module.*Missing key"),
    "a list": ([1, 2], "is no state dict of this module"),
}


@pytest.mark.parametrize(("content", "message"), BAD_WEIGHTS.values(), ids=BAD_WEIGHTS.keys())
def test_bad_weights_are_refused(content, message, tmp_path):
    file = tmp_path / "weights.pt"
    if isinstance(content, bytes):
        file.write_bytes(content)
    elif content is not None:
        torch.save(content, file)
    with pytest.raises(PackageError, match=message):
        make_module(plan_of(f"{FILE}:skipping", weights=file), (image(),))


def test_onnx_stages_are_compared_in_onnx_runtime_where_openvino_is_missing(small_package, monkeypatch):
    pytest.importorskip("onnxruntime")
    stage = small_package.manifest.stages[0]
    content = small_package.files["openvino/batch-1/00-stage-0.onnx"]
    x = {"image": np.random.default_rng(1).random((1, 3, 8, 8), np.float32)}
    expected = cpu_engine(content, stage).run(x)["b"]
    monkeypatch.setitem(sys.modules, "openvino", None)
    np.testing.assert_allclose(cpu_engine(content, stage).run(x)["b"], expected, atol=1e-5)
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    with pytest.raises(PackageError, match="neither openvino nor onnxruntime is installed"):
        cpu_engine(content, stage)
