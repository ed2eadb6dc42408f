#pragma once
// Scaled dot-product attention in memory linear in the sequence length.

#include "kernels/tensor/tensor.h"

namespace kinora::kernels {

enum class Causal { No, Yes };

struct AttentionOptions {
    int heads = 1;
    float scale = 0; // 0: 1 / sqrt(head size)
    Causal causal = Causal::No;
};

// query [N,Lq,heads*d], key and value [N,Lk,heads*d], mask f32 [1 or N, 1 or Lq, Lk] or undefined
// -> [N,Lq,heads*d]: softmax(scale * q k^T + mask) v for each head. Softmax sums in f32 whatever
// the dtype. Source: Vaswani et al. 2017; blocked as in Rabe and Staats 2021.
Tensor attention(const Tensor& query, const Tensor& key, const Tensor& value,
                 const AttentionOptions& options, const Tensor& mask = {});

} // namespace kinora::kernels
