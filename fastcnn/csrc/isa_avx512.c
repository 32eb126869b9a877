#define FC_ISA avx512
#include "table_impl.h"
