#pragma once
// The intrinsics of x86. GCC takes the undefined vectors that some of them begin with for a mistake
// of theirs. Private to kernels/cpu.

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#include <immintrin.h>
#pragma GCC diagnostic pop
