#pragma once
// The names that a pickle of tensors may use, and what they mean here. All others are refused.

#include "kernels/tensor/dtype.h"

#include <optional>
#include <string_view>

namespace kinora::pipelines {

enum class PickleGlobal {
    RebuildTensor,    // (storage, offset, size, stride, ...)
    RebuildTensorV3,  // the same, with the dtype as the seventh
    RebuildParameter, // (tensor, ...)
    Dictionary,       // OrderedDict
    Object,           // ParameterDict: its state is what it holds
    Storage,
    UntypedStorage, // the dtype is said where the tensor is rebuilt
    Dtype,
    Inert, // a word and no more: what trainers leave in their files
};

struct PickleGlobalRow {
    std::string_view module, name;
    PickleGlobal meaning;
    kernels::DType dtype = kernels::DType::F32; // Storage, Dtype
};

// nullptr where it may not be used.
const PickleGlobalRow* findPickleGlobal(std::string_view module, std::string_view name);
// Place in the table, and back.
int pickleGlobalIndex(const PickleGlobalRow& row);
const PickleGlobalRow& pickleGlobalAt(int index);

} // namespace kinora::pipelines
