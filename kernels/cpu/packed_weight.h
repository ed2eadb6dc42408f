#pragma once
// A weight as the CPU keeps it: one private copy, in the layout that its kernel wants: in tiles
// where weight_tiles.h multiplies by it, else in one of oneDNN's.
//
// That layout is chosen when packing, for a picture of ordinary size. It hardly ever depends on the
// size afterwards (on AVX-512 some widths change it below 12 x 12); where a primitive does want
// another one, the weight moves to it, through scratch memory, and stays there. So one copy
// remains, every shape runs on its best kernel, and what a shape computes does not depend on
// what ran before it. 1x1 convolutions are matrix products and are packed as such. Tiles suit every
// number of rows; kernels that Winograd's convolution pays for are kept for it alone (winograd.h).

#include "kernels/cpu/dnnl_state.h"
#include "kernels/cpu/host_memory.h"

namespace kinora::kernels {

enum class WeightForm {
    Matrix,       // layout has the extents [inputs, outputs]
    Kernel,       // layout has the extents [outputs, inputs, kh, kw]
    Tiles,        // as weight_tiles.h says
    Winograd,     // transformed, as packForWinograd() leaves it
    WinogradPlain // as winograd_plain.h says
};

struct PackedWeight {
    DType dtype = DType::F32;
    int64_t outputs = 0, inputs = 0, kernelHeight = 1, kernelWidth = 1;
    size_t reportedBytes = 0; // as it was packed first: what is added and taken away must agree

    // How the values lie is not part of what they are: kernels may change it.
    mutable WeightForm form = WeightForm::Matrix;
    mutable dnnl::memory::desc layout; // of the first two forms
    mutable cpu::HostBlock storage;
    mutable dnnl::memory memory; // names storage, for the first two forms
};

} // namespace kinora::kernels

namespace kinora::kernels::cpu {

// How [outputs, inputs, kh, kw] lies in plain memory, named by the extents of a convolution or of
// the matrix [inputs, outputs].
dnnl::memory::desc plainKernel(const PackedWeight& weight);
dnnl::memory::desc plainMatrix(const PackedWeight& weight);

// The weight in this layout of oneDNN's, moved there where it was in another.
const dnnl::memory& weightAs(Context& context, const PackedWeight& weight, WeightForm form,
                             const dnnl::memory::desc& layout);

// The layouts that the primitives for ordinary sizes want: conv_cpu.cpp and matmul_cpu.cpp.
dnnl::memory::desc preferredKernelLayout(DnnlState& state, const PackedWeight& weight, int stride);
dnnl::memory::desc preferredMatrixLayout(DnnlState& state, const PackedWeight& weight);

// activation(input x weight + bias) + residual over rows: linear, and 1x1 convolution.
void linearRows(Context& context, const LinearArgs& args);

} // namespace kinora::kernels::cpu
