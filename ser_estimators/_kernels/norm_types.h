/* The loops of _norm.c for float32 and for bfloat16. This file is included once for each kind of
 * processor. */
#define TYPE float32
#define NUMBER float
#define LOAD(x) (x)
#define STORE(x) (x)
#include "norm_loops.h"
#undef TYPE
#undef NUMBER
#undef LOAD
#undef STORE

#define TYPE bfloat16
#define NUMBER uint16_t
#define LOAD(x) from_bfloat16(x)
#define STORE(x) to_bfloat16(x)
#include "norm_loops.h"
#undef TYPE
#undef NUMBER
#undef LOAD
#undef STORE
