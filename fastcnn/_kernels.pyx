# cython: language_level=3, boundscheck=False, wraparound=False
"""The only door to C: buffers become pointers, programs run without the GIL. No arithmetic."""
from cpython.buffer cimport (
    PyBUF_FORMAT, PyBUF_STRIDES, PyBUF_WRITABLE, PyBuffer_Release, PyObject_GetBuffer,
)
from libc.stdint cimport int64_t, uint32_t
from libc.stdlib cimport calloc, free
from libc.string cimport memset


cdef extern from "fastcnn.h" nogil:
    enum: FC_MAX_TENSORS
    enum: FC_MAX_INTS
    enum: FC_MAX_FLOATS
    enum: FC_MAX_DIMS
    ctypedef struct fc_tensor:
        void *data
        int64_t ndim
        int64_t shape[FC_MAX_DIMS]
        int64_t stride[FC_MAX_DIMS]
        int64_t itemsize
    ctypedef struct fc_args:
        fc_tensor t[FC_MAX_TENSORS]
        int64_t i[FC_MAX_INTS]
        double f[FC_MAX_FLOATS]
    ctypedef struct fc_kernel:
        const char *name
        const char *signature
    ctypedef struct fc_table:
        const char *isa
        const fc_kernel *kernels
        int count
    ctypedef struct fc_program:
        pass
    int fc_isa_count()
    const fc_table *fc_isa_table(int index)
    fc_program *fc_program_new()
    void fc_program_free(fc_program *)
    int fc_program_add(fc_program *, const fc_kernel *, const fc_args *)
    int fc_program_set_tensor(fc_program *, int step, int tensor, const fc_tensor *)
    int fc_program_carry(fc_program *, int first, int count, const uint32_t *by_block)
    void fc_program_place_carried(fc_program *, int64_t blocks, const void *memory, size_t bytes)
    int fc_program_run(fc_program *, double *seconds, int64_t blocks, int threads, int prepare)
    int fc_max_threads()
    int fc_has_openmp()


def isas():
    """Names of the instruction sets that were compiled in and that this CPU can run, best first."""
    return [fc_isa_table(k).isa.decode() for k in range(fc_isa_count())]


def signatures(int isa):
    """{kernel name: signature} of one instruction set, by its index in isas()."""
    cdef const fc_table *table = fc_isa_table(isa)
    return {
        table.kernels[k].name.decode(): table.kernels[k].signature.decode()
        for k in range(table.count)
    }


def max_threads():
    """Threads that OpenMP would use now (OMP_NUM_THREADS, threadpoolctl and joblib set it)."""
    return fc_max_threads()


def has_openmp():
    return bool(fc_has_openmp())


cdef class _Buffer:
    """A held view of somebody's memory, so that it can't move while a program points at it."""
    cdef Py_buffer view
    cdef bint held

    def __cinit__(self, array, bint writable):
        cdef int flags = PyBUF_STRIDES | PyBUF_FORMAT | (PyBUF_WRITABLE if writable else 0)
        PyObject_GetBuffer(array, &self.view, flags)
        self.held = True

    def __dealloc__(self):
        if self.held:
            PyBuffer_Release(&self.view)

    cdef int fill(self, fc_tensor *t) except -1:
        cdef int d
        if self.view.ndim > FC_MAX_DIMS:
            raise ValueError(f"a tensor has {self.view.ndim} axes, the limit is {FC_MAX_DIMS}")
        t.data = self.view.buf
        t.ndim = self.view.ndim
        t.itemsize = self.view.itemsize
        for d in range(self.view.ndim):
            if self.view.strides[d] % self.view.itemsize:
                raise ValueError(
                    f"stride {self.view.strides[d]} is no multiple of {self.view.itemsize} bytes"
                )
            t.shape[d] = self.view.shape[d]
            t.stride[d] = self.view.strides[d] // self.view.itemsize
        return 0


cdef class Program:
    """Kernels with bound arguments, run one after the other; holds the arrays that it points at."""
    cdef fc_program *program
    cdef const fc_table *table
    cdef list buffers
    cdef readonly list names

    def __cinit__(self, int isa):
        self.table = fc_isa_table(isa)
        if self.table == NULL:
            raise ValueError(f"no instruction set number {isa}; there are {fc_isa_count()}")
        self.program = fc_program_new()
        if self.program == NULL:
            raise MemoryError()
        self.buffers = []
        self.names = []

    def __dealloc__(self):
        fc_program_free(self.program)

    def __len__(self):
        return len(self.names)

    cdef const fc_kernel *find(self, str name) except NULL:
        cdef bytes wanted = name.encode()
        for k in range(self.table.count):
            if self.table.kernels[k].name == wanted:
                return &self.table.kernels[k]
        raise KeyError(name)

    def add(self, str name, tensors, integers, floats):
        """Append a kernel. tensors: (array or None, writable) in the order of its signature."""
        cdef fc_args args
        cdef list held = []
        cdef _Buffer buffer
        if (
            len(tensors) > FC_MAX_TENSORS
            or len(integers) > FC_MAX_INTS
            or len(floats) > FC_MAX_FLOATS
        ):
            raise ValueError(f"{name}: too many arguments")
        memset(&args, 0, sizeof(args))
        for k, (array, writable) in enumerate(tensors):
            buffer = None
            if array is not None:
                buffer = _Buffer(array, writable)
                buffer.fill(&args.t[k])
            held.append(buffer)
        for k, value in enumerate(integers):
            args.i[k] = value
        for k, value in enumerate(floats):
            args.f[k] = value
        if fc_program_add(self.program, self.find(name), &args):
            raise MemoryError(f"no memory for the workspace of {name}")
        self.buffers.append(held)
        self.names.append(name)

    def set_tensor(self, int step, int position, array, bint writable):
        """Point one tensor of a step at another array (shape and strides are the caller's duty)."""
        cdef fc_tensor tensor
        cdef _Buffer buffer = _Buffer(array, writable)
        memset(&tensor, 0, sizeof(tensor))
        buffer.fill(&tensor)
        if fc_program_set_tensor(self.program, step, position, &tensor):
            raise IndexError(f"no tensor {position} of step {step}; there are {len(self)} steps")
        self.buffers[step][position] = buffer

    def carry(self, int first, list by_block, int64_t blocks, memory):
        """Carry blocks through these steps; see fc_program_carry and fc_program_place_carried."""
        cdef int k, failed, count = len(by_block)
        cdef _Buffer buffer = _Buffer(memory, False)
        cdef uint32_t *masks = <uint32_t *> calloc(max(count, 1), sizeof(uint32_t))
        if masks == NULL:
            raise MemoryError()
        for k in range(count):
            masks[k] = by_block[k]
        failed = fc_program_carry(self.program, first, count, masks)
        free(masks)
        if failed:
            raise IndexError(f"no {count} steps from {first} on; there are {len(self)}")
        fc_program_place_carried(self.program, blocks, buffer.view.buf, buffer.view.len)
        self.buffers.append([buffer])

    def run(self, int64_t blocks, int threads, bint prepare):
        """Run all steps on these threads, the GIL released once."""
        cdef int failed
        with nogil:
            failed = fc_program_run(self.program, NULL, blocks, threads, prepare)
        if failed:
            raise MemoryError("no memory for the threads' scratch space")

    def step_seconds(self, int64_t blocks, int threads):
        """Run once and return the wall seconds of each step."""
        cdef Py_ssize_t n = len(self)
        cdef double *seconds = <double *> calloc(max(n, 1), sizeof(double))
        cdef int failed
        if seconds == NULL:
            raise MemoryError()
        with nogil:
            failed = fc_program_run(self.program, seconds, blocks, threads, True)
        result = [seconds[k] for k in range(n)]
        free(seconds)
        if failed:
            raise MemoryError("no memory for the threads' scratch space")
        return result
