// The instruction sets that the CPU's own loops are compiled for: plain C++, SSE4, AVX2 and
// AVX-512. The best one is chosen when the program runs. Include before hwy/foreach_target.h. The
// others of Highway differ from these in instructions that no loop here uses.

#ifndef KINORA_KERNELS_CPU_SIMD_TARGETS_H
#define KINORA_KERNELS_CPU_SIMD_TARGETS_H

#define HWY_DISABLED_TARGETS (HWY_SSSE3 | HWY_AVX3_DL)

#endif
