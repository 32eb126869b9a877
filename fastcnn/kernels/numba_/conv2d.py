"""2-d convolutions; x holds its zero border, so that every convolution is a "valid" one."""

from fastcnn.kernels.numba_.activation_math import LINEAR
from fastcnn.kernels.numba_.conv2d_pooled_weight import conv2d_max_pool_backward_weight
from fastcnn.kernels.numba_.conv2d_rows import (
    Axis,
    make_job,
    pack,
    place_memory,
    run_phase,
    run_pooled,
    scratch_floats,
)
from fastcnn.kernels.numba_.conv2d_weight import conv2d_backward_weight
from fastcnn.kernels.numba_.helper import helper, scratch
from fastcnn.kernels.numba_.vector import (
    pointer,
)

__all__ = [
    "conv2d_backward_input",
    "conv2d_backward_weight",
    "conv2d_forward",
    "conv2d_max_pool_backward_weight",
    "conv2d_max_pool_forward",
    "conv2d_transpose_forward",
]


def _scratch(arrays, params):
    return scratch_floats(arrays["w"])


@helper
def _prepare_forward(work, job, w, b, dilation_h, dilation_w):
    """(taps along y, along x, memory): offsets listed, biases and weights packed."""
    taps = w.shape[2] * w.shape[3]
    axis_y = Axis(w.shape[2], 0, 1, 0, dilation_h)
    axis_x = Axis(w.shape[3], 0, 1, 0, dilation_w)
    memory = place_memory(work, taps, w.shape[0])
    for k in range(w.shape[0]):
        memory.bias[k] = b[k] if b.size else 0.0
    each = job.channels * taps
    steps = (job.outs * each, each, taps)
    pack(job, axis_y, axis_x, pointer(w, 0), w.shape[3], steps, memory)
    return axis_y, axis_x, memory


@scratch(_scratch)
def conv2d_forward(
    work,
    x,
    w,
    b,
    y,
    stride_h,
    stride_w,
    dilation_h,
    dilation_w,
    groups,
    zero_top,
    zero_bottom,
    activation,
    alpha,
):
    sizes = (groups, w.shape[1], w.shape[0] // groups)
    steps = ((stride_h, stride_w), (1, 1), (zero_top, zero_bottom))
    job = make_job(x, y, x[:0], activation, alpha, *sizes, *steps)
    axis_y, axis_x, memory = _prepare_forward(work, job, w, b, dilation_h, dilation_w)
    run_phase(work, job, x, y, y, axis_y, axis_x, memory, 0, 0)


@scratch(_scratch)
def conv2d_max_pool_forward(
    work,
    x,
    w,
    b,
    y,
    index,
    stride_h,
    stride_w,
    dilation_h,
    dilation_w,
    groups,
    zero_top,
    zero_bottom,
    activation,
    alpha,
):
    sizes = (groups, w.shape[1], w.shape[0] // groups)
    steps = ((stride_h, stride_w), (1, 1), (zero_top, zero_bottom))
    job = make_job(x, y, x[:0], activation, alpha, *sizes, *steps)
    axis_y, axis_x, memory = _prepare_forward(work, job, w, b, dilation_h, dilation_w)
    run_pooled(work, job, x, y, index, axis_y, axis_x, memory)


@helper
def _phase_axis(kernel, dilation, stride, shift, halo, phase):
    """The taps k for which stride divides phase + shift - dilation k, the last one first, so that

    they read dy forwards."""
    step = 1
    while step * dilation % stride:
        step += 1
    k, lowest = kernel - 1, max(0, kernel - step)
    while k >= lowest and (phase + shift - dilation * k) % stride:
        k -= 1
    if k < lowest:
        return Axis(0, 0, 0, 0, 0)
    source = halo + (phase + shift - dilation * k) // stride
    return Axis(k // step + 1, k, -step, source, dilation * step // stride)


@helper
def _transposed(work, x, w, b, slopes, y, activation, alpha, stride, dilation, groups, pad, halo):
    """y[i] = act(b + sum of x[o] w[k], i + pad = stride o + dilation k), or times act'(slopes)."""
    channels, outs = w.shape[0] // groups, w.shape[1]
    taps, zeros = w.shape[2] * w.shape[3], (halo[0], halo[2])
    sizes = (groups, channels, outs)
    job = make_job(x, y, slopes, activation, alpha, *sizes, (1, 1), stride, zeros)
    memory = place_memory(work, taps, groups * outs)
    for k in range(groups * outs):
        memory.bias[k] = b[k] if b.size else 0.0
    for phase in range(stride[0] * stride[1]):
        at = phase // stride[1], phase % stride[1]
        axis_y = _phase_axis(w.shape[2], dilation[0], stride[0], pad[0], halo[0], at[0])
        axis_x = _phase_axis(w.shape[3], dilation[1], stride[1], pad[1], halo[1], at[1])
        steps = (channels * outs * taps, taps, outs * taps)
        pack(job, axis_y, axis_x, pointer(w, 0), w.shape[3], steps, memory)
        run_phase(work, job, x, y, slopes, axis_y, axis_x, memory, at[0], at[1])


@scratch(_scratch)
def conv2d_backward_input(
    work,
    dy,
    w,
    y,
    dx,
    stride_h,
    stride_w,
    dilation_h,
    dilation_w,
    groups,
    pad_top,
    pad_left,
    halo_top,
    halo_left,
    halo_bottom,
    activation,
    alpha,
):
    stride, dilation = (stride_h, stride_w), (dilation_h, dilation_w)
    halo, applied = (halo_top, halo_left, halo_bottom), activation if y.size else LINEAR
    place = (stride, dilation, groups, (pad_top, pad_left), halo)
    _transposed(work, dy, w, w[:0, 0, 0, 0], y, dx, applied, alpha, *place)


@scratch(_scratch)
def conv2d_transpose_forward(
    work,
    x,
    w,
    b,
    y,
    stride_h,
    stride_w,
    dilation_h,
    dilation_w,
    groups,
    pad_top,
    pad_left,
    halo_top,
    halo_left,
    halo_bottom,
    activation,
    alpha,
):
    stride, dilation = (stride_h, stride_w), (dilation_h, dilation_w)
    place = (stride, dilation, groups, (pad_top, pad_left), (halo_top, halo_left, halo_bottom))
    _transposed(work, x, w, b, y[:0], y, activation, alpha, *place)
