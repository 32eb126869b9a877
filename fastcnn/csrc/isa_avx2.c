#define FC_ISA avx2
#include "table_impl.h"
