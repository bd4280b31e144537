"""Networks in ONNX files: the numbers of the network, and one sentence for what cannot or must not be run."""

# mypy: disable-error-code="import-not-found,import-untyped"

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from calib.errors import InputError
from calib.integrations.onnx_network import OnnxNetwork
from calib.reading import Reading
from calib.sources import open_source

onnx = pytest.importorskip("onnx", reason="the extra `onnx` is not installed")
pytest.importorskip("onnxruntime", reason="the extra `onnx` is not installed")

K = 10
WEIGHT = np.random.default_rng(0).normal(size=(64, K)).astype(np.float32)
Make = Callable[..., Path]


@pytest.fixture
def make(tmp_path: Path) -> Make:
    """Write a linear classifier of 8 × 8 images."""

    def made(
        *, end: str | None = None, batch: Any = "n", channels: Any = 1, side: Any = 8, kind: int = 1, inputs: int = 1
    ) -> Path:
        helper = onnx.helper
        names = [f"images{i}" for i in range(inputs)]
        given = [helper.make_tensor_value_info(name, kind, [batch, channels, side, side]) for name in names]
        nodes = [
            helper.make_node("Cast", [names[0]], ["floats"], to=1),
            helper.make_node("Flatten", ["floats"], ["flat"]),
            helper.make_node("MatMul", ["flat", "weight"], ["logits"]),
        ]
        if end is not None:
            nodes.append(helper.make_node(end, ["logits"], ["ended"], axis=1))
        out = helper.make_tensor_value_info("logits" if end is None else "ended", 1, None)
        weight = WEIGHT if (channels, side) in ((1, 8), (1, "s")) else np.ones((channels * side**2, K), np.float32)
        graph = helper.make_graph(nodes, "net", given, [out], [onnx.numpy_helper.from_array(weight, "weight")])
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=10)
        onnx.save(model, tmp_path / "net.onnx")
        return tmp_path / "net.onnx"

    return made


IMAGES = torch.from_numpy(np.random.default_rng(1).normal(size=(7, 1, 8, 8)).astype(np.float32))
EXPECTED = IMAGES.numpy().reshape(7, 64) @ WEIGHT


@pytest.mark.parametrize("end", [None, "Softmax", "LogSoftmax"])
@pytest.mark.parametrize("batch", ["n", 1, 3, 7, 16])
def test_logits_are_those_of_the_network_whatever_its_batches_and_its_end(make: Make, end: str, batch: Any) -> None:
    network = OnnxNetwork.of(make(end=end, batch=batch))
    np.testing.assert_allclose(network(IMAGES).numpy(), EXPECTED, rtol=1e-5, atol=1e-5)
    assert any("softmax" in note for note in network.notes) is (end is not None)


def test_a_source_is_the_network_over_the_test_images(make: Make) -> None:
    source = open_source(make(end="Softmax"), Reading(dataset="digits", mean=(0.0,), std=(1.0,)))
    assert source.test.n_classes == K
    assert source.test.n == 1797  # digits have no official test part
    assert source.notes[0] == "the network is that of the ONNX file"
    assert not np.allclose(source.test.values.sum(axis=1), 1)
    with pytest.raises(InputError, match="--arch was given, but"):
        open_source(make(), Reading(dataset="digits", arch="resnet8"))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"channels": 3}, "takes images of 3×8×8, those of digits are 1×8×8"),
        ({"side": 16}, "takes images of 1×16×16"),
        ({"kind": 11}, r"must take float32 images .* it takes images0 tensor\(double\)"),
        ({"inputs": 2}, "must take float32 images"),
    ],
)
def test_networks_of_other_inputs_are_refused(make: Make, options: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        open_source(make(**options), Reading(dataset="digits"))


def test_a_size_that_the_file_leaves_open_is_tried(make: Make) -> None:
    with pytest.raises(InputError, match="does not take these images"):
        OnnxNetwork.of(make(side="s"))(torch.zeros(2, 1, 9, 9))


def test_weights_in_other_files_are_never_followed(make: Make, tmp_path: Path) -> None:
    path = make()
    model = onnx.load(path)
    (tmp_path / "secret").write_bytes(WEIGHT.tobytes())
    weight = model.graph.initializer[0]
    weight.ClearField("raw_data")
    weight.data_location = onnx.TensorProto.EXTERNAL
    weight.external_data.add(key="location", value="../secret")
    path.write_bytes(model.SerializeToString())
    with pytest.raises(InputError, match="keeps weights in other files"):
        OnnxNetwork.of(path)
    inner = onnx.helper.make_node("Constant", [], ["c"], value=weight)
    model.graph.node.insert(0, inner)
    del model.graph.initializer[:]
    path.write_bytes(model.SerializeToString())
    with pytest.raises(InputError, match="keeps weights in other files"):
        OnnxNetwork.of(path)


def hidden(place: str) -> Any:
    """A model whose sum with a tensor of another file hides where few look."""
    helper, proto = onnx.helper, onnx.TensorProto

    def elsewhere(name: str) -> Any:
        tensor = proto(name=name, data_type=proto.FLOAT, dims=[4], data_location=proto.EXTERNAL)
        tensor.external_data.add(key="location", value="secret")
        return tensor

    def branch(name: str) -> Any:
        return helper.make_graph([], name, [], [helper.make_tensor_value_info(name, 1, [4])], [elsewhere(name)])

    functions, imports, inits = [], [helper.make_opsetid("", 18)], [helper.make_tensor("yes", proto.BOOL, [], [True])]
    if place == "a branch without nodes":
        node = helper.make_node("If", ["yes"], ["s"], then_branch=branch("a"), else_branch=branch("b"))
    elif place == "a sparse constant":
        sparse = onnx.SparseTensorProto(dims=[4])
        sparse.values.CopyFrom(elsewhere("v"))
        sparse.indices.CopyFrom(helper.make_tensor("i", proto.INT64, [4], range(4)))
        node = onnx.NodeProto(op_type="Constant", output=["s"])
        node.attribute.add(name="sparse_value", type=onnx.AttributeProto.SPARSE_TENSOR).sparse_tensor.CopyFrom(sparse)
    else:
        inner = helper.make_node("Constant", [], ["s"], value=elsewhere("v"))
        functions.append(helper.make_function("mine", "Hidden", [], ["s"], [inner], imports))
        imports = [*imports, helper.make_opsetid("mine", 1)]
        node = helper.make_node("Hidden", [], ["s"], domain="mine")
    nodes = [node, helper.make_node("Flatten", ["x"], ["flat"]), helper.make_node("Add", ["flat", "s"], ["y"])]
    given, out = (helper.make_tensor_value_info(name, 1, shape) for name, shape in (("x", ["n", 1, 2, 2]), ("y", None)))
    graph = helper.make_graph(nodes, "net", [given], [out], inits)
    return helper.make_model(graph, opset_imports=imports, functions=functions, ir_version=9)


@pytest.mark.parametrize("place", ["a branch without nodes", "a sparse constant", "a function"])
def test_tensors_of_other_files_cannot_hide(place: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "secret").write_bytes(np.arange(4, dtype=np.float32).tobytes())
    (tmp_path / "net.onnx").write_bytes(hidden(place).SerializeToString())
    with pytest.raises(InputError, match="keeps weights in other files"):
        OnnxNetwork.of(tmp_path / "net.onnx")


def test_loops_odd_outputs_and_huge_batches_are_refused(make: Make, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="wants batches of 1,048,576 images"):
        OnnxNetwork.of(make(batch=2**20))
    model = onnx.load(make())
    model.graph.node.append(onnx.helper.make_node("Loop", ["a", "b"], ["c"]))
    (tmp_path / "loop.onnx").write_bytes(model.SerializeToString())
    with pytest.raises(InputError, match="holds the operator Loop"):
        OnnxNetwork.of(tmp_path / "loop.onnx")
    model = onnx.load(make())
    model.graph.node.append(onnx.helper.make_node("Cast", ["logits"], ["words"], to=onnx.TensorProto.STRING))
    model.graph.output[0].CopyFrom(onnx.helper.make_tensor_value_info("words", onnx.TensorProto.STRING, None))
    (tmp_path / "words.onnx").write_bytes(model.SerializeToString())
    with pytest.raises(InputError, match="it returns"):
        OnnxNetwork.of(tmp_path / "words.onnx")


def test_a_softmax_behind_casts_is_found_and_one_over_rows_left(make: Make) -> None:
    path = make(end="Softmax")
    model = onnx.load(path)
    model.graph.node.append(onnx.helper.make_node("Identity", ["ended"], ["last"]))
    model.graph.output[0].CopyFrom(onnx.helper.make_tensor_value_info("last", 1, None))
    onnx.save(model, path)
    np.testing.assert_allclose(OnnxNetwork.of(path)(IMAGES).numpy(), EXPECTED, rtol=1e-5, atol=1e-5)
    model.graph.node[3].attribute[0].i = 0
    onnx.save(model, path)
    found = OnnxNetwork.of(path)
    assert len(found.notes) == 1
    np.testing.assert_allclose(found(IMAGES).numpy().sum(axis=0), 1, rtol=1e-5)


def test_what_is_no_network_is_one_sentence(make: Make, tmp_path: Path) -> None:
    content = make().read_bytes()
    bad = tmp_path / "bad.onnx"
    for broken in (b"", b"<html>", content[:100], content[:-1], b"\xff" * 100):
        bad.write_bytes(broken)
        with pytest.raises(InputError, match=r"bad\.onnx"):
            OnnxNetwork.of(bad)
    model = onnx.load(make())
    model.graph.node[2].op_type = "NoSuchOperator"
    bad.write_bytes(model.SerializeToString())
    with pytest.raises(InputError, match="is no ONNX network that runs here"):
        OnnxNetwork.of(bad)


def test_flipped_bits_end_in_numbers_or_in_one_sentence(make: Make, tmp_path: Path) -> None:
    content, bad, rng = make().read_bytes(), tmp_path / "bad.onnx", np.random.default_rng(0)
    head = len(content) - WEIGHT.nbytes
    for _ in range(60):
        broken = bytearray(content)
        broken[int(rng.integers(len(content) if rng.random() < 0.2 else head))] ^= 1 << int(rng.integers(8))
        bad.write_bytes(broken)
        try:
            logits = OnnxNetwork.of(bad)(IMAGES)
        except InputError:
            continue
        assert logits.shape[0] == len(IMAGES)
