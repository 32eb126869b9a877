#define FC_ISA neon
#include "table_impl.h"
