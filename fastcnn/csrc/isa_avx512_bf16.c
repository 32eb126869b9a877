#define FC_ISA avx512_bf16
#include "table_impl.h"
