"""Builds the C kernels once per instruction set, and the Cython door to them.

Each instruction set is a static library with flags of its own, so that no other file is compiled
with them. A flag the compiler lacks drops that instruction set and nothing else.
"""

import os
import platform
import subprocess
import sys
import tempfile

from Cython.Build import cythonize
from setuptools import Extension, setup
from setuptools.errors import CompileError

# distutils is setuptools' own copy, and exists only once setuptools is imported.
# isort: split
from distutils.ccompiler import new_compiler
from distutils.sysconfig import customize_compiler

CSRC = "fastcnn/csrc"
COMMON = ["-std=gnu11", "-O3", "-g0", "-ffp-contract=fast", "-fno-math-errno", "-fno-trapping-math"]
COMMON += ["-fvisibility=hidden", "-Wall", "-Wno-psabi", "-Wno-unknown-pragmas"]

ISA_FLAGS = {
    "x86_64": {
        "avx512": [f"-mavx512{part}" for part in ("f", "bw", "dq", "vl")]
        + ["-mfma", "-mprefer-vector-width=512"],
        "avx2": ["-mavx2", "-mfma"],
    },
    "aarch64": {"neon": []},
}
MACHINE = {"AMD64": "x86_64", "arm64": "aarch64"}.get(platform.machine(), platform.machine())


def compiles(flags, source="int main(void) { return 0; }"):
    """Whether the compiler takes these flags."""
    compiler = new_compiler()
    customize_compiler(compiler)
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "probe.c")
        with open(path, "w") as file:
            file.write(source)
        try:
            compiler.compile([path], output_dir=folder, extra_postargs=["-Werror", *flags])
        except (CompileError, OSError, subprocess.SubprocessError):
            return False
    return True


headers = [os.path.join(CSRC, name) for name in sorted(os.listdir(CSRC)) if name.endswith(".h")]


def isa_library(isa, flags):
    return (
        f"fastcnn_{isa}",
        {
            "sources": [f"{CSRC}/isa_{isa}.c"],
            "obj_deps": {"": headers},
            "cflags": [*COMMON, *flags],
        },
    )


isas = {isa: flags for isa, flags in ISA_FLAGS.get(MACHINE, {}).items() if compiles(flags)}
openmp = (
    ["-fopenmp"] if compiles(["-fopenmp"], "#include <omp.h>\nint main(void) { return 0; }") else []
)
if not openmp:
    print("fastcnn: this compiler has no OpenMP; the kernels will use one thread", file=sys.stderr)

setup(
    libraries=[isa_library(isa, flags) for isa, flags in {"baseline": [], **isas}.items()],
    ext_modules=cythonize(
        [
            Extension(
                "fastcnn._kernels",
                ["fastcnn/_kernels.pyx", f"{CSRC}/program.c", f"{CSRC}/dispatch.c"],
                include_dirs=[CSRC],
                depends=headers,  # so that it is linked again after the static libraries
                define_macros=[(f"FC_HAVE_{isa.upper()}", "1") for isa in isas],
                extra_compile_args=[*COMMON, *openmp],
                extra_link_args=openmp,
                libraries=["m"],
            )
        ]
    ),
)
