"""The compiled modules; everything else about the package stands in pyproject.toml."""

from setuptools import Extension, setup


def kernel(name: str, *headers: str) -> Extension:
    """Return a module of C; without a compiler everything works, only slower."""
    return Extension(
        f"ser_estimators.{name}",
        [f"ser_estimators/{name}.c"],
        depends=[f"ser_estimators/{header}" for header in ("_processors.h", *headers)],
        extra_compile_args=["-O3"],
        optional=True,
    )


setup(
    ext_modules=[
        kernel("_mel_kernel", "_mel_lanes.h"),
        kernel("_norm_kernel", "_norm_loops.h", "_norm_types.h"),
    ]
)
