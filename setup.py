"""Compile the kernels; everything else about the package is in pyproject.toml.

The kernels are optional: without a C compiler, the package works but is slower. With the
environment variable ``SER_ESTIMATORS_REQUIRE_KERNELS=1``, which should be set for wheels, a kernel
that cannot be compiled is an error.
"""

import os
import sys
import sysconfig

from setuptools import Extension, setup

PACKAGE = "ser_estimators._kernels"
FOLDER = "ser_estimators/_kernels"
IS_OPTIONAL = os.environ.get("SER_ESTIMATORS_REQUIRE_KERNELS") != "1"

# With the limited API, one wheel for each platform serves CPython 3.11 and newer. Free-threaded
# builds have no limited API.
IS_ABI3 = sys.implementation.name == "cpython" and not sysconfig.get_config_var("Py_GIL_DISABLED")


def kernel(name: str, *headers: str) -> Extension:
    """Describe the C module of one kernel."""
    return Extension(
        f"{PACKAGE}.{name}",
        [f"{FOLDER}/{name}.c"],
        depends=[f"{FOLDER}/{header}" for header in ("module.h", "processors.h", *headers)],
        define_macros=[("Py_LIMITED_API", "0x030B0000")] if IS_ABI3 else [],
        py_limited_api=IS_ABI3,
        extra_compile_args=["-O3"],
        optional=IS_OPTIONAL,
    )


setup(
    ext_modules=[
        kernel("_mel", "mel_lanes.h"),
        kernel("_norm", "norm_loops.h", "norm_types.h"),
    ],
    # The C sources belong in the source distribution, not in a wheel.
    exclude_package_data={PACKAGE: ["*.c", "*.h"]},
    options={"bdist_wheel": {"py_limited_api": "cp311"}} if IS_ABI3 else {},
)
