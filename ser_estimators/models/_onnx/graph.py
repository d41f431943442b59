"""Construction of an ONNX graph, node by node."""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np

__all__ = ["IR_VERSION", "OPSET", "Graph", "Operand"]

# The lowest with reductions over axes that are inputs; every runtime since 2021 reads it.
OPSET = 13
IR_VERSION = 7

# The name of a tensor of the graph, or a constant.
Operand: TypeAlias = Any


class Graph:
    """An ONNX graph to which nodes are added in the order in which they are computed.

    An operand is the name of a tensor, or a constant: an array keeps its type, a Python int
    becomes int64, a float becomes float32, and a list becomes an int64 vector.
    """

    def __init__(self) -> None:
        self.nodes: list[Any] = []
        self.constants: dict[tuple[Any, ...], Any] = {}

    def add(self, operator: str, *inputs: Operand, **attributes: Any) -> str:
        """Add a node and return the name of its output."""
        return self.add_output(
            operator, f"{operator.lower()}_{len(self.nodes)}", *inputs, **attributes
        )

    def add_output(self, operator: str, name: str, *inputs: Operand, **attributes: Any) -> str:
        """Add a node with a given name for its output."""
        from onnx import helper

        names = [self._name(operand) for operand in inputs]
        self.nodes.append(helper.make_node(operator, names, [name], name, **attributes))
        return name

    def size(self, x: Operand, axis: int) -> str:
        """Return the size of an axis, int64 of shape (1,)."""
        return self.add("Gather", self.add("Shape", x), [axis])

    def count(self, n: Operand, dtype: type = np.int64) -> str:
        """Return 0, 1, ..., n - 1 for an int64 vector with one element."""
        limit = self.add("Squeeze", n, [0])
        numbers = self.add("Range", np.int64(0), limit, np.int64(1))
        return numbers if dtype is np.int64 else self.cast(numbers, dtype)

    def cast(self, x: Operand, dtype: type) -> str:
        """Convert a tensor to another type."""
        from onnx import helper

        return self.add("Cast", x, to=helper.np_dtype_to_tensor_dtype(np.dtype(dtype)))

    def sum(self, x: Operand, *axes: int, keepdims: bool = True) -> str:
        """Return sums over axes."""
        return self.add("ReduceSum", x, list(axes), keepdims=int(keepdims))

    def max(self, x: Operand, *axes: int, keepdims: bool = True) -> str:
        """Return maxima over axes."""
        return self.add("ReduceMax", x, axes=list(axes), keepdims=int(keepdims))

    def reshape(self, x: Operand, *shape: Operand) -> str:
        """Change the shape; 0 keeps the size of an axis, and a name is a computed size."""
        if all(isinstance(size, int) for size in shape):
            return self.add("Reshape", x, list(shape))
        sizes = [size if isinstance(size, str) else [size] for size in shape]
        return self.add("Reshape", x, self.add("Concat", *sizes, axis=0))

    def delayed(self, x: Operand, n_zeros: int, n_dropped: int) -> str:
        """Add zeros before the rows of a matrix and drop their last elements."""
        # Not by negative padding, with which onnxruntime 1.20 keeps the only element of a row.
        padded = self.add("Pad", x, [0, n_zeros, 0, 0])
        return self.add("Slice", padded, [0], [-n_dropped], [1])

    def take(self, x: Operand, positions: Operand) -> str:
        """Return x[i, positions[i]] for every clip i, with positions of shape (n, n_positions)."""
        return self.add("GatherND", x, self.add("Unsqueeze", positions, [2]), batch_dims=1)

    def affine(self, x: Operand, weight: Operand, bias: Operand) -> str:
        """Return ``x @ weight.T + bias``."""
        return self.add("Gemm", x, weight, bias, transB=1)

    def model(self, inputs: list[Any], outputs: list[Any]) -> Any:
        """Return the complete model."""
        from onnx import helper

        graph = helper.make_graph(
            self.nodes, "waveform_to_probabilities", inputs, outputs, list(self.constants.values())
        )
        opset = helper.make_opsetid("", OPSET)
        return helper.make_model(graph, opset_imports=[opset], ir_version=IR_VERSION)

    def _name(self, operand: Operand) -> str:
        if isinstance(operand, str):
            return operand
        from onnx import numpy_helper

        dtype = {int: np.int64, float: np.float32, list: np.int64}.get(type(operand))
        array = np.ascontiguousarray(np.asarray(operand, dtype=dtype)).reshape(np.shape(operand))
        key = (array.dtype.str, array.shape, array.tobytes())
        if key not in self.constants:
            name = f"constant_{len(self.constants)}"
            self.constants[key] = numpy_helper.from_array(array, name)
        return str(self.constants[key].name)
