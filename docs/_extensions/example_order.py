"""Order of the examples in the gallery."""

from __future__ import annotations


class ExecutedFirst:
    """Sort the files in the order below, and those that are not named there by name at the end."""

    order = (
        "plot_quick_start.py",
        "plot_trained_model.py",
        "plot_own_recordings.py",
        "plot_predict_folder.py",
        "plot_command_line.py",
        "plot_model_file.py",
        "plot_onnx.py",
        "plot_evaluation.py",
        "plot_model_selection.py",
        "plot_dask.py",
        "plot_displays.py",
        "plot_own_network.py",
    )

    def __init__(self, src_dir: str) -> None:
        self.src_dir = src_dir

    def __call__(self, filename: str) -> tuple[bool, int, str]:
        """Return the key of a file."""
        place = self.order.index(filename) if filename in self.order else len(self.order)
        return not filename.startswith("plot_"), place, filename

    def __repr__(self) -> str:  # part of sphinx-gallery's configuration, which is cached
        return f"<{type(self).__name__}>"
