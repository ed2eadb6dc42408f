#include "pipelines/image/latents_file.h"

#include "kernels/base/error.h"
#include "kernels/ops/layout.h"
#include "pipelines/weights/safetensors.h"
#include "pipelines/weights/safetensors_writer.h"

#include <algorithm>
#include <array>
#include <cmath>

namespace kinora::pipelines {

using kernels::DType;
using kernels::Shape;
using kernels::Tensor;

namespace {

constexpr const char* kTensorName = "latents";

// needed: [N,C,h,w].
void checkShape(const SafetensorsFile& source, const Shape& needed) {
    const auto info = source.find(kTensorName, needed);
    if (!info)
        throw Error(ErrorCode::BadFile, source.label() + ": has no tensor \"latents\".",
                    "Save them as one tensor of that name, [N,C,h,w] in f32.");
    const Shape& found = info->shape;
    if (found.rank() != 4 || found[0] < needed[0] || found[1] != needed[1] ||
        found[2] != needed[2] || found[3] != needed[3])
        throw Error(ErrorCode::BadFile,
                    source.label() + ": latents are " + toString(found) + ", this run needs " +
                        toString(needed) + (found.rank() == 4 ? " or more." : "."),
                    "Check the size, the count and the model.");
    if (info->dtype != DType::F32 && info->dtype != DType::F16 && info->dtype != DType::BF16 &&
        info->dtype != DType::F64)
        throw Error(ErrorCode::BadFile,
                    source.label() + ": latents are in " +
                        std::string(kernels::dtypeName(info->dtype)) + ", f32 is expected.",
                    "Save them in f32.");
}

} // namespace

void LatentsFile::check(const std::filesystem::path& path, int64_t first, const Shape& shape) {
    constexpr int64_t kBlockElements = int64_t{1} << 18; // 1 MiB
    const SafetensorsFile source(path, path.string());
    const Shape needed{first + shape[0], shape[3], shape[1], shape[2]};
    checkShape(source, needed);
    std::vector<float> block;
    int64_t at = first * (shape.elements() / shape[0]);
    for (const int64_t end = needed.elements(); at < end; at += kBlockElements) {
        block.resize(static_cast<size_t>(std::min(kBlockElements, end - at)));
        source.read(kTensorName, at, block);
        const auto bad = std::ranges::find_if_not(block, [](float v) { return std::isfinite(v); });
        if (bad == block.end()) continue;
        throw Error(ErrorCode::BadFile,
                    source.label() + ": value " + std::to_string(at + (bad - block.begin())) +
                        " of the latents is not a number (NaN or infinite).",
                    "Start from unit-variance noise.");
    }
}

Tensor LatentsFile::read(const std::filesystem::path& path, kernels::Device& device, int64_t first,
                         const Shape& shape) {
    const SafetensorsFile source(path, path.string());
    const int64_t pictures = shape[0], height = shape[1], width = shape[2], channels = shape[3];
    checkShape(source, Shape{first + pictures, channels, height, width});
    const int64_t perPicture = channels * height * width;
    std::vector<float> values(static_cast<size_t>(pictures * perPicture));
    source.read(kTensorName, first * perPicture, values);
    return kernels::nchwToNhwc(
        device.fromHost(values.data(), Shape{pictures, channels, height, width}, DType::F32));
}

void LatentsFile::Writer::add(const Tensor& latents) {
    if (m_path.empty()) return;
    const HostTensor nchw = toHostTensor(kernels::nhwcToNchw(latents));
    auto& [shape, values] = m_collected;
    shape = values.empty() ? nchw.shape : shape.with(0, shape[0] + nchw.shape[0]);
    values.insert(values.end(), nchw.values.begin(), nchw.values.end());
}

void LatentsFile::Writer::finish() {
    if (m_path.empty() || !m_collected.defined()) return;
    const std::array<NamedValues, 1> tensors = {
        {{kTensorName, m_collected.shape, m_collected.values}}};
    writeSafetensors(m_path, tensors);
}

} // namespace kinora::pipelines
