"""Builds the C kernels once per instruction set, and the Cython door to them.

Each instruction set is a static library with flags of its own, so that no other file is compiled
with them. A flag the compiler lacks drops that instruction set and nothing else; without a compiler
the package is installed without compiled kernels.
"""

import os
import platform
import subprocess
import sys
import sysconfig
import tempfile
from concurrent.futures import ThreadPoolExecutor

from setuptools import Extension, setup
from setuptools.command.build_clib import build_clib
from setuptools.errors import CompileError

# distutils is setuptools' own copy, and exists only once setuptools is imported.
# isort: split
from distutils.ccompiler import new_compiler
from distutils.sysconfig import customize_compiler

CSRC = "fastcnn/csrc"
# For sanitized builds, which take far longer to compile with -O3 than with -O1.
OPTIMIZE = os.environ.get("FASTCNN_OPTIMIZE", "-O3")
COMMON = [
    "-std=gnu11",
    OPTIMIZE,
    "-g0",
    "-ffp-contract=fast",
    "-fno-math-errno",
    "-fno-trapping-math",
]
COMMON += ["-fvisibility=hidden", "-Wall", "-Wno-psabi", "-Wno-unknown-pragmas"]

AVX512 = [f"-mavx512{part}" for part in ("f", "bw", "dq", "vl")]
AVX512 += ["-mfma", "-mprefer-vector-width=512"]
ISA_FLAGS = {
    "x86_64": {
        "avx512_bf16": [*AVX512, "-mavx512bf16"],
        "avx512": AVX512,
        "avx2": ["-mavx2", "-mfma"],
    },
    "aarch64": {"neon": []},
}
MACHINE = {"AMD64": "x86_64", "arm64": "aarch64"}.get(platform.machine(), platform.machine())


EMPTY = "int main(void) { return 0; }"


def compiles(flags, source=EMPTY):
    """Whether the compiler takes these flags."""
    compiler = new_compiler()
    customize_compiler(compiler)
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "probe.c")
        with open(path, "w") as file:
            file.write(source)
        try:
            compiler.compile(
                [path],
                output_dir=folder,
                include_dirs=[sysconfig.get_path("include")],
                extra_postargs=["-Werror", *flags],
            )
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


class build_clib_side_by_side(build_clib):
    """Compiles the libraries on all cores: each is one long run of the compiler."""

    def build_libraries(self, libraries):
        one = super().build_libraries
        with ThreadPoolExecutor(os.cpu_count()) as pool:
            list(pool.map(lambda library: one([library]), libraries))


def say(text):
    """Into the log of the build."""
    print(f"fastcnn: {text}", file=sys.stderr)


def compiled_parts():
    """What `setup` shall compile."""
    from Cython.Build import cythonize

    isas = {isa: flags for isa, flags in ISA_FLAGS.get(MACHINE, {}).items() if compiles(flags)}
    openmp = ["-fopenmp"] if compiles(["-fopenmp"], f"#include <omp.h>\n{EMPTY}") else []
    if not openmp:
        say("this compiler has no OpenMP; the kernels will use one thread")
    extension = Extension(
        "fastcnn._kernels",
        ["fastcnn/_kernels.pyx", f"{CSRC}/program.c", f"{CSRC}/pool.c", f"{CSRC}/dispatch.c"],
        include_dirs=[CSRC],
        depends=headers,  # so that it is linked again after the static libraries
        define_macros=[(f"FC_HAVE_{isa.upper()}", "1") for isa in isas],
        extra_compile_args=[*COMMON, *openmp, "-pthread"],
        extra_link_args=[*openmp, "-pthread"],
        libraries=["m"],
    )
    libraries = [isa_library(isa, flags) for isa, flags in {"baseline": [], **isas}.items()]
    commands = {"build_clib": build_clib_side_by_side}
    return {"libraries": libraries, "ext_modules": cythonize([extension]), "cmdclass": commands}


if compiles([], f"#include <Python.h>\n{EMPTY}"):
    parts = compiled_parts()
else:
    parts = {}
    say("NO C COMPILER (or no headers of Python) was found: the kernels are not compiled")
    say("Numba's serve instead, if numba is installed: pip install 'fastcnn[numba]'")

setup(**parts)
