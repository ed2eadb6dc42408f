#include "pipelines/image/latents_file.h"

#include "kernels/base/error.h"
#include "kernels/ops/layout.h"
#include "pipelines/weights/safetensors.h"
#include "pipelines/weights/safetensors_writer.h"

#include <array>

namespace kinora::pipelines {

using kernels::DType;
using kernels::Shape;
using kernels::Tensor;

namespace {
constexpr const char* kTensorName = "latents";
}

Tensor LatentsFile::read(const std::filesystem::path& path, kernels::Device& device, int64_t first,
                         const Shape& shape) {
    const SafetensorsFile source(path, path.string());
    const auto info = source.find(kTensorName, shape);
    if (!info)
        throw Error(ErrorCode::BadFile, source.label() + " has no tensor 'latents'.",
                    "Save them as one tensor of that name, [N,C,h,w] in f32.");
    const int64_t pictures = shape[0], height = shape[1], width = shape[2], channels = shape[3];
    const Shape& found = info->shape;
    if (found.rank() != 4 || found[0] < first + pictures || found[1] != channels ||
        found[2] != height || found[3] != width)
        throw Error(ErrorCode::BadFile,
                    source.label() + ": latents are " + toString(found) + ", this run needs " +
                        toString(Shape{first + pictures, channels, height, width}) + " or more.",
                    "Check the size, the count and the model.");
    const int64_t perPicture = channels * height * width;
    std::vector<float> values(static_cast<size_t>(pictures * perPicture));
    source.read(kTensorName, first * perPicture, values);
    return kernels::nchwToNhwc(
        device.fromHost(values.data(), Shape{pictures, channels, height, width}, DType::F32));
}

void LatentsFile::Writer::add(const Tensor& latents) {
    if (m_path.empty()) return;
    const Tensor nchw = kernels::nhwcToNchw(latents);
    m_picture = Shape{nchw.dim(1), nchw.dim(2), nchw.dim(3)};
    const std::vector<float> values = nchw.device().toHost<float>(nchw);
    m_values.insert(m_values.end(), values.begin(), values.end());
}

void LatentsFile::Writer::finish() {
    if (m_path.empty() || m_values.empty()) return;
    const auto pictures = static_cast<int64_t>(m_values.size()) / m_picture.elements();
    const std::array<NamedValues, 1> tensors = {
        {{kTensorName, Shape{pictures, m_picture[0], m_picture[1], m_picture[2]}, m_values}}};
    writeSafetensors(m_path, tensors);
}

} // namespace kinora::pipelines
