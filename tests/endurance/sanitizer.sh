#!/usr/bin/env bash
# Addresses and undefined behaviour under the engine's tests, on a sanitizer build; then the same
# build with a planted bug, which must be found, or the first result says nothing. It needs gcc, Cython
# and setuptools 77 or later in the environment.
set -euo pipefail
cd "$(dirname "$0")/../.."
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
git ls-files -z | tar --null -T - -c | tar -x -C "$work"
cd "$work"
flags="-fsanitize=address,undefined -fno-sanitize-recover=undefined -fno-omit-frame-pointer"
build() { FASTCNN_OPTIMIZE=-O1 CFLAGS=$flags LDFLAGS=$flags python setup.py -q build_clib build_ext --inplace; }
check() {  # -s: pytest would keep the report of what ends it
    LD_PRELOAD="$(gcc -print-file-name=libasan.so) $(gcc -print-file-name=libubsan.so)" \
        ASAN_OPTIONS=detect_leaks=0 PYTHONPATH=. \
        python -m pytest -q -s -n 0 -p no:cacheprovider \
        -k "not numba and not memory_does_not_grow" "$@"
}

build
check "${@:-tests/engine}"

# Rows of outputs are written beyond the last image of a batch.
sed -i 's/int64_t rows = min_i64(lanes, images - b \* lanes), l = 0;/int64_t rows = lanes + 1, l = 0;/' \
    fastcnn/csrc/gather_impl.h
grep -q 'rows = lanes + 1' fastcnn/csrc/gather_impl.h
rm -rf build
build
if check tests/kernels/test_gather.py >planted.log 2>&1; then
    echo "the planted bug was not found"
    exit 1
fi
grep -m 1 "ERROR: AddressSanitizer: heap-buffer-overflow" planted.log || {
    echo "the planted bug was not found, though the tests fail"
    exit 1
}
echo "nothing found but the planted bug"
