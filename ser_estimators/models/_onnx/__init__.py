"""The ONNX export: the steps of a pipeline as nodes of a graph."""
