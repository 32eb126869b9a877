"""A share of a kernel's work: what one thread does of it."""

from collections import namedtuple

from fastcnn.kernels.numba_.helper import helper

# Share `number` of `count`; scratch: float32 memory of this share alone. Kernels call it `work`.
Share = namedtuple("Share", "number count scratch")


@helper
def split(n, work):
    """This share [begin, end) of n items; the first n % count shares take one more."""
    each, more = n // work.count, n % work.count
    begin = each * work.number + min(work.number, more)
    return begin, begin + each + (1 if work.number < more else 0)


@helper
def balanced(n, parts, k):
    """(begin, size) of part k of n items in parts that differ by at most one."""
    return k * (n // parts) + min(k, n % parts), n // parts + (1 if k < n % parts else 0)


@helper
def ceil_div(a, b):
    return (a + b - 1) // b
