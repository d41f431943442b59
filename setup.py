"""The one compiled module; everything else about the package stands in pyproject.toml."""

from setuptools import Extension, setup

setup(
    ext_modules=[
        Extension(
            "ser_estimators._mel_kernel",
            ["ser_estimators/_mel_kernel.c"],
            depends=["ser_estimators/_mel_lanes.h"],
            extra_compile_args=["-O3"],
            # Without a compiler everything works, only slower.
            optional=True,
        )
    ]
)
