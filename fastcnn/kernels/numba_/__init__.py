"""The kernels in Numba, for where no compiler was at hand, and the vector types of `kernels.kit`.

One module for each family, the same names as in spec/, reference/ and csrc/. A kernel is a plain
function of `work`, its share of the work (share.py), the tensors and the parameters, in the table's
order; an absent tensor has no elements. Only modules in this folder import numba at once.
"""
