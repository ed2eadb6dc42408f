#include "pipelines/weights/weights.h"

#include "kernels/base/error.h"
#include "kernels/ops/matmul.h"
#include "pipelines/weights/convert.h"
#include "pipelines/weights/tensor_reader.h"

#include <algorithm>
#include <set>
#include <utility>

namespace kinora::pipelines {
namespace {

using kernels::DType;
using kernels::Shape;
using kernels::Tensor;

} // namespace

struct Weights::Shared {
    const WeightSource& source;
    kernels::Device& device;
    Progress progress;
    int64_t bytesRead = 0;
    std::set<std::string, std::less<>> asked;
    std::set<std::string, std::less<>> ignored; // beginnings of names
    TensorReader reader{device.threads()};

    TensorInfo checked(const std::string& name, const Shape& shape);
    void fill(const Tensor& tensor, const std::string& name);
};

TensorInfo Weights::Shared::checked(const std::string& name, const Shape& shape) {
    std::optional<TensorInfo> info = source.find(name, shape);
    if (!info)
        throw Error(ErrorCode::BadFile,
                    source.label() + ": tensor \"" + name + "\" is missing; the config implies " +
                        toString(shape) + ".",
                    "Config and weights do not belong together; fetch the model again.");
    if (info->shape != shape)
        throw Error(ErrorCode::BadFile,
                    source.label() + ": tensor \"" + name + "\" has the shape " +
                        toString(info->shape) + "; the config implies " + toString(shape) + ".",
                    "Config and weights do not belong together; fetch the model again.");
    if (!isFloatingPoint(info->dtype))
        throw Error(ErrorCode::Unsupported,
                    source.label() + ": tensor \"" + name + "\" holds " +
                        std::string(kernels::dtypeName(info->dtype)) +
                        "; weights in floating point (f32, f16, bf16) are expected.",
                    "The model is quantised or damaged; fetch it in one of these.");
    asked.insert(name);
    return *std::move(info);
}

void Weights::Shared::fill(const Tensor& tensor, const std::string& name) {
    const size_t elementBytes = kernels::sizeBytes(tensor.dtype());
    reader.read(source, name, tensor.elements(), tensor.dtype(),
                [&](int64_t first, std::span<const std::byte> values) {
                    char* const to = tensor.as<char>() + static_cast<size_t>(first) * elementBytes;
                    device.check(device.table().copyToDevice(device.context(), to, values.data(),
                                                             values.size()),
                                 "load weights");
                });
}

Weights::Weights(const WeightSource& source, kernels::Device& device, DType compute,
                 Progress progress)
    : m_shared(std::make_shared<Shared>(source, device, std::move(progress))), m_compute(compute) {}

Weights Weights::operator/(std::string_view name) const {
    Weights below = *this;
    below.m_prefix = fullName(name) + ".";
    return below;
}

Weights Weights::in(DType compute) const {
    Weights other = *this;
    other.m_compute = compute;
    return other;
}

std::string Weights::fullName(std::string_view name) const {
    return m_prefix + std::string(name);
}

Tensor Weights::load(const std::string& name, const Shape& shape, DType dtype) const {
    Shared& shared = *m_shared;
    shared.device.cancelToken().check();
    const TensorInfo info = shared.checked(name, shape);
    Tensor tensor = shared.device.empty(shape, dtype);
    if (shared.device.hasNumbers()) shared.fill(tensor, name);
    shared.bytesRead += shape.elements() * static_cast<int64_t>(kernels::sizeBytes(info.dtype));
    if (shared.progress) shared.progress(shared.bytesRead);
    return tensor;
}

LinearWeights Weights::linear(std::string_view name, int64_t out, int64_t in, Bias bias) const {
    const Weights layer = *this / name;
    LinearWeights weights;
    weights.weight = kernels::Weight::pack(
        kernels::WeightKind::Linear, layer.load(layer.fullName("weight"), {out, in}, m_compute));
    if (bias == Bias::Yes || (bias == Bias::Optional && layer.has("bias")))
        weights.bias = layer.vector("bias", out);
    return weights;
}

kernels::Weight Weights::convolution(std::string_view name, int64_t out, int64_t in, int kernel,
                                     int stride) const {
    const Tensor plain =
        load(fullName(name) + ".weight", {out, in, int64_t{kernel}, int64_t{kernel}}, m_compute);
    return kernels::Weight::pack(kernels::WeightKind::Conv2d, plain, stride);
}

NormWeights Weights::norm(std::string_view name, int64_t channels) const {
    const Weights layer = *this / name;
    return {layer.vector("weight", channels), layer.vector("bias", channels)};
}

Tensor Weights::vector(std::string_view name, int64_t length) const {
    return load(fullName(name), {length}, DType::F32);
}

Tensor Weights::matrix(std::string_view name, int64_t rows, int64_t columns) const {
    return load(fullName(name), {rows, columns}, DType::F32);
}

Tensor Weights::values(std::string_view name, const Shape& shape) const {
    return load(fullName(name), shape, DType::F32);
}

Tensor Weights::table(std::string_view name, int64_t rows, int64_t columns) const {
    return load(fullName(name), {rows, columns}, m_compute);
}

bool Weights::has(std::string_view name) const {
    return m_shared->source.find(fullName(name), {}).has_value();
}

void Weights::ignore(std::string_view name) const {
    m_shared->ignored.insert(fullName(name));
}

kernels::Device& Weights::device() const {
    return m_shared->device;
}

DType Weights::compute() const {
    return m_compute;
}

std::vector<std::string> Weights::unused() const {
    std::vector<std::string> unused;
    for (std::string& name : m_shared->source.names()) {
        const bool ignored = std::any_of(
            m_shared->ignored.begin(), m_shared->ignored.end(),
            [&name](const std::string& beginning) { return name.starts_with(beginning); });
        if (!ignored && !m_shared->asked.contains(name)) unused.push_back(std::move(name));
    }
    return unused;
}

Tensor LinearWeights::operator()(const Tensor& x, kernels::Activation activation,
                                 const Tensor& residual) const {
    return kernels::linear(x, weight, bias, activation, residual);
}

} // namespace kinora::pipelines
