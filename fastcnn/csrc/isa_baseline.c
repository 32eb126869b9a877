#define FC_ISA baseline
#include "table_impl.h"
