"""`@helper`: a function for kernels to call, compiled as a part of them.

As `numba.njit`, with two differences which make kernels of many small functions compile several
times faster. Numba makes machine code of each function that it compiles, together with all those
that it calls; a helper's code is optimised and translated once, in the kernel. And a literal
argument makes no specialisation of its own.
"""

from collections.abc import Callable
from typing import Any

from numba.core import compiler, types
from numba.core.codegen import JITCodeLibrary
from numba.core.dispatcher import _FunctionCompiler
from numba.core.registry import CPUDispatcher


class _Library(JITCodeLibrary):
    """Code that is only ever linked into another library."""

    def _optimize_functions(self, ll_module: Any) -> None:
        ll_module.data_layout = self._codegen._data_layout

    def _optimize_final_module(self) -> None: ...

    def _finalize_final_module(self) -> None:
        self._finalize_dynamic_globals()
        self._finalized = True


class _Key:
    """Stands for the code of one specialisation."""


class _HelperCompiler(_FunctionCompiler):
    def _customize_flags(self, flags: Any) -> Any:
        flags.no_cpython_wrapper = flags.no_cfunc_wrapper = flags.no_compile = True
        return flags

    def _compile_core(self, args: Any, return_type: Any) -> Any:
        flags = compiler.Flags()
        self.targetdescr.options.parse_as_flags(flags, self.targetoptions)
        context = self.targetdescr.target_context
        library = _Library(context.codegen(), self.py_func.__qualname__)
        library.enable_object_caching()
        result = compiler.compile_extra(
            self.targetdescr.typing_context,
            context,
            self.py_func,
            args=args,
            return_type=return_type,
            flags=self._customize_flags(flags),
            locals=self.locals,
            library=library,
            pipeline_class=self.pipeline_class,
        )
        result = result._replace(entry_point=_Key())
        context.insert_user_function(result.entry_point, result.fndesc, [library])
        return result


class _HelperDispatcher(CPUDispatcher):
    def __init__(self, function: Callable, options: dict[str, Any]) -> None:
        super().__init__(function, targetoptions=options)
        self._compiler = _HelperCompiler(function, self.targetdescr, options, {}, compiler.Compiler)

    def add_overload(self, cres: Any) -> None:
        """Known to kernels; not to Python, which can't call a helper."""
        self.overloads[tuple(cres.signature.args)] = cres

    def get_call_template(self, args: Any, kws: Any) -> Any:
        plain = tuple(types.unliteral(kind) for kind in args)
        return super().get_call_template(
            plain, {name: types.unliteral(kind) for name, kind in kws.items()}
        )


def helper(function: Callable) -> Any:
    """Divisions by zero give inf, as in C; no exception leaves a kernel."""
    return _HelperDispatcher(function, {"nopython": True, "error_model": "numpy"})


def scratch(floats: Callable[[Any, Any], int]) -> Any:
    """Decorator of a kernel which needs `floats(arrays, params)` of share.scratch."""

    def decorate(function: Any) -> Any:
        function.scratch = floats
        return function

    return decorate


def chain(functions: list[Callable]) -> Any:
    """A helper (k, arguments) that calls the k-th helper with a tuple of arguments."""
    own, *others = functions
    if not others:
        return helper(lambda k, arguments: own(*arguments))
    following = chain(others)

    def choose(k, arguments):
        if k == 0:
            own(*arguments)
        else:
            following(k - 1, arguments)

    return helper(choose)
