"""A network in an ONNX file, run by onnxruntime: its logits for images, nothing read but the file itself."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from calib._extras import library
from calib._text import printable
from calib.errors import InputError

SUFFIX = ".onnx"
LARGEST_BATCH = 65_536
LOOPS = ("Loop", "Scan")


def is_onnx(path: Path) -> bool:
    """Whether a file calls itself ONNX: the format has no signature of its own."""
    return path.suffix.lower() == SUFFIX


@dataclass(frozen=True, eq=False)
class OnnxNetwork:
    """A classifier of images: call it with a batch ``(n, channels, height, width)`` for its logits ``(n, k)``.

    ``shape`` is what the file says of its input, None where it leaves a side open.  ``notes`` say what was found.  A
    network is arithmetic: it reads and writes no files, but a hostile one can still ask for much memory.
    """

    session: Any
    input: str
    output: str
    shape: tuple[int | None, ...]
    notes: tuple[str, ...]

    @classmethod
    def of(cls, path: Path) -> "OnnxNetwork":
        """Read a file.  Raises `InputError` for what is no such network, or keeps weights in files beside it.

        The extra `onnx` is needed.  Where the network ends in a softmax, logits are taken from in front of it.
        """
        onnx = library("onnx", extra="onnx", what=f"{path.name}")
        runtime = library("onnxruntime", extra="onnx", what=f"{path.name}")
        try:
            model = onnx.load(str(path), load_external_data=False)
        except Exception as error:  # protobuf has its own kinds of errors for what it cannot parse
            raise _no_network(path, error) from error
        if not model.graph.output:
            raise InputError(f"{path} holds no ONNX network", help="was it written to the end?")
        if any(_points_elsewhere(onnx, message) for message in _messages(model)):
            raise InputError(
                f"{path} keeps weights in other files, which calib does not follow",
                help="save it as one file: onnx.save(model, path, save_as_external_data=False)",
            )
        if looping := {node.op_type for node in _messages(model) if getattr(node, "op_type", "") in LOOPS}:
            raise InputError(
                f"{path} holds the operator {min(looping)}, which may run without end",
                help="run it yourself and save its logits: calib evaluate logits.npz",
            )
        notes = ["the network is that of the ONNX file"]
        if _without_softmax(onnx, model):
            notes.append("it ends in a softmax: logits are what goes into that")
        options = runtime.SessionOptions()
        options.intra_op_num_threads = torch.get_num_threads()
        options.log_severity_level = 4
        try:
            session = runtime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
        except Exception as error:  # as above, of onnxruntime
            raise _no_network(path, error) from error
        inputs, outputs = session.get_inputs(), session.get_outputs()
        if len(inputs) != 1 or len(inputs[0].shape) != 4 or inputs[0].type != "tensor(float)":
            found = ", ".join(f"{one.name} {one.type} {one.shape}" for one in inputs)
            raise InputError(
                f"{path} must take float32 images (n, channels, height, width) alone, it takes {printable(found)}",
                help="run it yourself and save its logits: calib evaluate logits.npz",
            )
        if outputs[0].type not in ("tensor(float)", "tensor(float16)", "tensor(double)"):
            raise InputError(
                f"{path} must return logits (n, k), it returns {printable(outputs[0].type)}",
                help="export its classifier",
            )
        shape = tuple(side if isinstance(side, int) and side > 0 else None for side in inputs[0].shape)
        if (shape[0] or 1) > LARGEST_BATCH:
            raise InputError(
                f"{path} wants batches of {shape[0]:,} images", help=f"export it for at most {LARGEST_BATCH:,}"
            )
        return cls(session, inputs[0].name, outputs[0].name, shape, tuple(notes))

    @property
    def image_size(self) -> int | None:
        """The side of its images, where the file says it and they are square."""
        height, width = self.shape[2:]
        return height if height == width else None

    def refuse_other_images(self, shape: tuple[int, int, int], *, name: str) -> None:
        """Raise `InputError` where images of ``shape`` (channels, height, width) do not go in."""
        if any(wanted not in (None, side) for wanted, side in zip(self.shape[1:], shape, strict=True)):
            wanted = "×".join("any" if side is None else str(side) for side in self.shape[1:])
            raise InputError(
                f"the network takes images of {wanted}, those of {printable(name)} are {'×'.join(map(str, shape))}",
                help="name the data set it was trained for; for a folder of images, --image-size",
            )

    def __call__(self, images: Tensor) -> Tensor:
        """Logits ``(n, k)`` of a batch; where the file fixes the size of batches, in batches of that size."""
        size = self.shape[0] or max(len(images), 1)
        return torch.cat([self._run(part, size) for part in torch.split(images, size)])

    def _run(self, images: Tensor, size: int) -> Tensor:
        filled = torch.cat([images, images[:1].expand(size - len(images), *images.shape[1:])])
        try:
            (logits,) = self.session.run([self.output], {self.input: filled.float().cpu().numpy()})
        except Exception as error:  # onnxruntime's own kinds
            raise InputError(
                f"the network does not take these images ({printable(str(error).partition(chr(10))[0])})",
                help="name the data set it was trained for",
            ) from error
        if logits.ndim != 2 or len(logits) != size:
            raise InputError(
                f"the network must return logits (n, k), it returned {logits.shape}", help="export its classifier"
            )
        return torch.from_numpy(logits[: len(images)])


def _without_softmax(onnx: Any, model: Any) -> bool:
    """Let the first output be what goes into the softmax over classes that makes it, if one does; say whether."""
    output = model.graph.output[0]
    makers = {name: node for node in model.graph.node for name in node.output}
    maker = makers.get(output.name)
    while maker is not None and maker.op_type in ("Identity", "Cast") and maker.input:
        maker = makers.get(maker.input[0])
    if maker is None or maker.op_type not in ("Softmax", "LogSoftmax") or not maker.input:
        return False
    if any(one.name == "axis" and one.i not in (1, -1) for one in maker.attribute):
        return False
    output.CopyFrom(onnx.helper.make_tensor_value_info(maker.input[0], onnx.TensorProto.FLOAT, None))
    return True


def _messages(message: Any) -> Iterator[Any]:
    """A message of protobuf and all that it holds, however deep."""
    yield message
    for field, value in message.ListFields():
        if field.message_type is not None:
            for inner in [value] if hasattr(value, "ListFields") else value:
                yield from _messages(inner)


def _points_elsewhere(onnx: Any, message: Any) -> bool:
    """Whether a tensor lies in another file."""
    tensor = isinstance(message, onnx.TensorProto)
    return tensor and (message.data_location == onnx.TensorProto.EXTERNAL or len(message.external_data) > 0)


def _no_network(path: Path, error: Exception) -> InputError:
    reason = printable(str(error).partition("\n")[0][:200] or type(error).__name__)
    return InputError(f"{path} is no ONNX network that runs here ({reason})", help="export it again")
