#pragma once
// Writes a safetensors file of f32 tensors: beside its final name, then renamed.

#include "kernels/tensor/shape.h"

#include <filesystem>
#include <span>
#include <string>
#include <vector>

namespace kinora::pipelines {

struct NamedValues {
    std::string name;
    kernels::Shape shape;
    std::span<const float> values;
};

// Replaces a file of that name in one step. Throws Error{Io, DiskFull} naming the path; nothing is
// left behind then. As kernels/base/atomic_file.h.
void writeSafetensors(const std::filesystem::path& path, std::span<const NamedValues> tensors);

} // namespace kinora::pipelines
