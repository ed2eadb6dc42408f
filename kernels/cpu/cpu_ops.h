#pragma once
// The CPU's entries of the function table; each lives in the file named beside it.

#include "kernels/backend/backend_table.h"

namespace kinora::kernels::cpu {

// cpu_weights.cpp
Status packWeight(Context*, const PackArgs*, PackedWeight** out);
size_t packedSizeBytes(const PackedWeight*);
void releaseWeight(Context*, PackedWeight*);
int32_t isForWinograd(const PackedWeight*);

Status conv2d(Context*, const Conv2dArgs*);                       // conv_cpu.cpp
Status linear(Context*, const LinearArgs*);                       // matmul_cpu.cpp
Status matmul(Context*, const MatmulArgs*);                       // matmul_cpu.cpp
Status attention(Context*, const AttentionArgs*);                 // attention_cpu.cpp
Status groupNorm(Context*, const NormArgs*);                      // norm_cpu.cpp
Status layerNorm(Context*, const NormArgs*);                      // norm_cpu.cpp
Status rmsNorm(Context*, const NormArgs*);                        // norm_cpu.cpp
Status activate(Context*, const ActivationArgs*);                 // elementwise_cpu.cpp
Status glu(Context*, const GluArgs*);                             // elementwise_cpu.cpp
Status binary(Context*, const BinaryArgs*);                       // elementwise_cpu.cpp
Status linearCombination(Context*, const LinearCombinationArgs*); // elementwise_cpu.cpp
Status clamp(Context*, const ClampArgs*);                         // elementwise_cpu.cpp
Status softmax(Context*, const SoftmaxArgs*);                     // softmax_cpu.cpp
Status resizeNearest(Context*, const ResizeNearestArgs*);         // resample_cpu.cpp
Status averagePool(Context*, const AveragePoolArgs*);             // resample_cpu.cpp
Status concat(Context*, const ConcatArgs*);                       // layout_cpu.cpp
Status copy(Context*, const CopyArgs*);                           // layout_cpu.cpp
Status permute(Context*, const PermuteArgs*);                     // layout_cpu.cpp
Status embedding(Context*, const EmbeddingArgs*);                 // embedding_cpu.cpp
Status timestepEmbedding(Context*, const TimestepEmbeddingArgs*); // embedding_cpu.cpp
Status allFinite(Context*, const FiniteArgs*);                    // reduce_cpu.cpp
Status standardDeviation(Context*, const StandardDeviationArgs*); // reduce_cpu.cpp

// values = activation(values), on the calling thread, for kernels that fuse it; at most 1024 of
// them at a time stay in the first-level cache. elementwise_cpu.cpp
void activateValues(Activation activation, float* values, size_t count);

} // namespace kinora::kernels::cpu
