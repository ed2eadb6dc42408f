#include "pipelines/weights/pickle/pickle_globals.h"

#include <iterator>

namespace kinora::pipelines {
namespace {

using kernels::DType;
using enum PickleGlobal;

constexpr PickleGlobalRow kGlobals[] = {
    {"torch._utils", "_rebuild_tensor", RebuildTensor},
    {"torch._utils", "_rebuild_tensor_v2", RebuildTensor},
    {"torch._utils", "_rebuild_tensor_v3", RebuildTensorV3},
    {"torch._utils", "_rebuild_parameter", RebuildParameter},
    {"torch._utils", "_rebuild_parameter_with_state", RebuildParameter},
    {"collections", "OrderedDict", Dictionary},
    {"torch.nn.modules.container", "ParameterDict", Object},
    {"torch", "FloatStorage", Storage, DType::F32},
    {"torch", "HalfStorage", Storage, DType::F16},
    {"torch", "BFloat16Storage", Storage, DType::BF16},
    {"torch", "DoubleStorage", Storage, DType::F64},
    {"torch", "LongStorage", Storage, DType::I64},
    {"torch", "IntStorage", Storage, DType::I32},
    {"torch", "ShortStorage", Storage, DType::I16},
    {"torch", "CharStorage", Storage, DType::I8},
    {"torch", "ByteStorage", Storage, DType::U8},
    {"torch", "BoolStorage", Storage, DType::Bool},
    {"torch.storage", "UntypedStorage", UntypedStorage},
    {"torch", "UntypedStorage", UntypedStorage},
    {"torch", "float8_e4m3fn", Dtype, DType::F8E4M3},
    {"torch", "float8_e5m2", Dtype, DType::F8E5M2},
    {"torch", "float32", Dtype, DType::F32},
    {"torch", "float16", Dtype, DType::F16},
    {"torch", "bfloat16", Dtype, DType::BF16},
    {"torch", "float64", Dtype, DType::F64},
    {"torch", "int64", Dtype, DType::I64},
    {"torch", "Size", Inert},
    {"torch", "device", Inert},
    {"pytorch_lightning.callbacks.model_checkpoint", "ModelCheckpoint", Inert},
    {"numpy.core.multiarray", "scalar", Inert},
    {"numpy._core.multiarray", "scalar", Inert},
    {"numpy", "dtype", Inert},
    {"_codecs", "encode", Inert},
};

} // namespace

const PickleGlobalRow* findPickleGlobal(std::string_view module, std::string_view name) {
    for (const PickleGlobalRow& row : kGlobals)
        if (row.module == module && row.name == name) return &row;
    return nullptr;
}

int pickleGlobalIndex(const PickleGlobalRow& row) {
    return static_cast<int>(&row - std::begin(kGlobals));
}

const PickleGlobalRow& pickleGlobalAt(int index) {
    return kGlobals[index];
}

} // namespace kinora::pipelines
