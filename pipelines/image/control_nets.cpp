#include "pipelines/image/control_nets.h"

#include "kernels/base/error.h"
#include "kernels/ops/elementwise.h"
#include "kernels/ops/layout.h"
#include "pipelines/blocks/scaled.h"
#include "pipelines/request/control_choice.h"
#include "pipelines/weights/incomplete_weights.h"

#include <algorithm>
#include <utility>

namespace kinora::pipelines {
namespace {

using kernels::DType;
using kernels::Tensor;

// As the reference keeps a net: a call counts that lies in its stretch as a whole.
bool counts(const RunStretch& net, const RunStretch& call) {
    return call.begin >= net.begin && call.end <= net.end;
}

// Zeros for `count` rows before those of the tensor, [R,...].
Tensor behindZeros(const Tensor& tensor, int64_t count) {
    const kernels::Shape shape = tensor.shape().with(0, count);
    const std::vector<float> zeros(static_cast<size_t>(shape.elements()));
    Tensor none = tensor.device().fromHost(zeros.data(), shape, DType::F32);
    return kernels::stack({{kernels::convert(none, tensor.dtype()), tensor}});
}

Tensor sum(const Tensor& a, const Tensor& b) {
    return a.dim(1) >= b.dim(1) ? kernels::add(a, b) : kernels::add(b, a);
}

void accumulate(UnetResiduals& all, UnetResiduals&& more) {
    if (all.skips.empty()) {
        all = std::move(more);
        return;
    }
    for (size_t i = 0; i < all.skips.size(); ++i) all.skips[i] = sum(all.skips[i], more.skips[i]);
    all.middle = sum(all.middle, more.middle);
}

// picture [H,W,3] -> [height,width,3], between the four nearest pixels; itself where it has that
// size.
HostTensor resized(const HostTensor& picture, int64_t height, int64_t width) {
    const int64_t rows = picture.shape[0], columns = picture.shape[1];
    HostTensor result{{height, width, 3}, {}};
    if ((rows == height && columns == width) || !picture.defined())
        return {result.shape, picture.values};
    const auto value = [&](int64_t y, int64_t x, size_t channel) {
        return picture.values[static_cast<size_t>(y * columns + x) * 3 + channel];
    };
    // Where the middle of pixel `at` of `to` lies between the middles of `from`.
    const auto place = [](int64_t at, int64_t to, int64_t from) {
        const double middle =
            (static_cast<double>(at) + 0.5) * static_cast<double>(from) / static_cast<double>(to) -
            0.5;
        return std::clamp(middle, 0.0, static_cast<double>(from - 1));
    };
    for (int64_t y = 0; y < height; ++y)
        for (int64_t x = 0; x < width; ++x) {
            const double down = place(y, height, rows), across = place(x, width, columns);
            const auto top = static_cast<int64_t>(down), left = static_cast<int64_t>(across);
            const int64_t bottom = std::min(top + 1, rows - 1);
            const int64_t right = std::min(left + 1, columns - 1);
            const auto dy = static_cast<float>(down - static_cast<double>(top));
            const auto dx = static_cast<float>(across - static_cast<double>(left));
            for (size_t c = 0; c < 3; ++c)
                result.values.push_back(
                    (value(top, left, c) * (1 - dx) + value(top, right, c) * dx) * (1 - dy) +
                    (value(bottom, left, c) * (1 - dx) + value(bottom, right, c) * dx) * dy);
        }
    return result;
}

// The part of a picture [H,W,3] that lies in the window, which is in pixels.
HostTensor cropped(const HostTensor& picture, const Window& window) {
    HostTensor part{{window.height, window.width, 3}, {}};
    if (!picture.defined()) return part;
    for (int64_t y = window.top; y < window.top + window.height; ++y) {
        const auto row = picture.values.begin() + (y * picture.shape[1] + window.left) * 3;
        part.values.insert(part.values.end(), row, row + window.width * 3);
    }
    return part;
}

// picture [H,W,3] -> [1,H,W,channels] f32: as it is, or its luma.
Tensor pictureTensor(const HostTensor& picture, int64_t channels, kernels::Device& device) {
    const int64_t height = picture.shape[0], width = picture.shape[1];
    if (channels == 3)
        return device.fromHost(picture.values.data(), {1, height, width, 3}, DType::F32);
    std::vector<float> gray;
    for (size_t i = 0; i + 2 < picture.values.size(); i += 3)
        gray.push_back(0.299f * picture.values[i] + 0.587f * picture.values[i + 1] +
                       0.114f * picture.values[i + 2]);
    return device.fromHost(gray.data(), {1, height, width, 1}, DType::F32);
}

ControlChoice choiceOf(const std::string& text) {
    const auto choice = parseControlChoice(text);
    if (!choice) throw Error(ErrorCode::Internal, "A control was not checked: " + text);
    return *choice;
}

[[noreturn]] void doesNotFit(const std::string& label, const std::string& why) {
    throw Error(ErrorCode::Unsupported, label + ": does not fit this model: " + why + ".",
                "Use it with a model of the kind that it was made for.");
}

} // namespace

UnetResiduals ControlRun::ofControls(const DenoiserRows& rows, const RunStretch& stretch) const {
    const int64_t all = rows.samples.dim(0), first = m_positiveOnly ? rows.negative : 0;
    UnetResiduals residuals;
    if (first == all) return residuals;
    const std::span<const float> timesteps = rows.timesteps;
    const auto part = [&](const Tensor& tensor) {
        return tensor && first > 0 ? tensor.slice(first, all) : tensor;
    };
    for (const Control& control : m_controls) {
        if (!counts(control.stretch, stretch) || control.strength.weight == 0) continue;
        const Tensor addition =
            rows.controlAdditions.empty() ? Tensor{} : part(rows.controlAdditions[control.index]);
        accumulate(residuals,
                   (*control.net)(part(rows.samples), timesteps.subspan(static_cast<size_t>(first)),
                                  part(rows.embeddings), addition, control.condition,
                                  control.strength));
    }
    if (residuals.skips.empty() || first == 0) return residuals;
    for (Tensor& skip : residuals.skips) skip = behindZeros(skip, first);
    residuals.middle = behindZeros(residuals.middle, first);
    return residuals;
}

UnetResiduals ControlRun::residuals(const DenoiserRows& rows, const RunStretch& stretch) const {
    UnetResiduals residuals = ofControls(rows, stretch);
    for (const Adapter& adapter : m_adapters) {
        if (!counts(adapter.stretch, stretch)) continue;
        std::vector<Tensor>& blocks = residuals.blocks;
        for (size_t i = 0; i < adapter.features.size(); ++i)
            if (i < blocks.size())
                blocks[i] = kernels::add(blocks[i], adapter.features[i]);
            else
                blocks.push_back(adapter.features[i]);
    }
    return residuals;
}

template <typename Net, typename Config>
Net ControlNets::load(const ControlFile& file, const Config& config, const nlohmann::json& json,
                      DType compute, const Progress& progress) {
    const IncompleteWeights source(file.weights(json));
    const double all = static_cast<double>(std::max<int64_t>(source.totalBytes(), 1));
    const Weights weights(source, m_device, compute, [&](int64_t bytesRead) {
        if (progress) progress(controlKindName(file.kind()), static_cast<double>(bytesRead) / all);
    });
    Net net(config, weights);
    source.throwIfAnyMissing();
    for (const std::string& name : weights.unused()) m_unused.push_back(file.label() + "/" + name);
    return net;
}

ControlNets::ControlNets(const Model& model, int64_t vaeFactor, kernels::Device& device,
                         DType compute, const Progress& progress)
    : m_device(device), m_vaeFactor(vaeFactor) {
    if (!model.controls().empty())
        m_unet = Unet2dConfig::fromJson(model.config("unet"), model.configLabel("unet"));
    for (const auto& file : model.controls()) {
        const nlohmann::json json = file->config(model.config("unet"));
        if (file->kind() == ControlKind::ControlNet) {
            const auto config = ControlNetConfig::fromJson(json, file->label());
            m_controls.push_back(
                {file->label(), load<ControlNet>(*file, config, json, compute, progress)});
            checkFits(m_controls.back(), vaeFactor);
        } else {
            const auto config = T2iAdapterConfig::fromJson(json, file->label());
            m_adapters.push_back(
                {file->label(), load<T2iAdapter>(*file, config, json, compute, progress)});
        }
    }
}

void ControlNets::checkFits(const Named<ControlNet>& control, int64_t vaeFactor) const {
    const ControlNetConfig& config = control.net.config();
    if (config.factor() != vaeFactor)
        doesNotFit(control.label, "it makes pictures " + std::to_string(config.factor()) +
                                      " times smaller, the VAE " + std::to_string(vaeFactor) +
                                      " times");
    if (config.pictureChannels != 3)
        doesNotFit(control.label,
                   "it takes pictures of " + std::to_string(config.pictureChannels) + " channels");
    const Unet2dConfig& own = config.unet;
    if (own.inChannels != m_unet.outChannels)
        doesNotFit(control.label, "it takes latents of " + std::to_string(own.inChannels) +
                                      " channels, the model's have " +
                                      std::to_string(m_unet.outChannels));
    if (own.blockChannels != m_unet.blockChannels || own.layersPerBlock != m_unet.layersPerBlock)
        doesNotFit(control.label, "its levels are not those of the denoiser");
    if (own.crossAttentionWidth != m_unet.promptWidth || own.additionWidth != m_unet.additionWidth)
        doesNotFit(control.label, "it is told something else than the denoiser");
}

std::vector<Tensor> ControlNets::embedAdditions(const Tensor& pooled,
                                                std::span<const float> numbers) const {
    std::vector<Tensor> additions;
    for (const auto& [label, net] : m_controls)
        additions.push_back(net.embedAddition(pooled, numbers));
    return additions;
}

// Each feature is added to what a level of the denoiser gives: where it attends before it halves,
// else after.
void ControlNets::checkFeatures(const Named<T2iAdapter>& adapter,
                                std::span<const Tensor> features) const {
    const int64_t factor = m_vaeFactor, scale = adapter.net.config().factor;
    int64_t height = features.front().dim(1) * scale / factor;
    int64_t width = features.front().dim(2) * scale / factor;
    const size_t levels = m_unet.blockChannels.size();
    for (size_t i = 0; i < std::min(levels, features.size()); ++i) {
        const auto fits = [&] {
            return features[i].dim(1) == height && features[i].dim(2) == width &&
                   features[i].dim(3) == m_unet.blockChannels[i];
        };
        const bool attends = m_unet.downAttention[i];
        const bool before = fits();
        if (i + 1 < levels) {
            height = (height + 1) / 2;
            width = (width + 1) / 2;
        }
        if (attends ? !before : !fits())
            doesNotFit(adapter.label,
                       "what it makes for level " + std::to_string(i + 1) + " has another size");
    }
}

std::vector<Tensor> ControlNets::featuresOf(const ControlRun::Adapter& begun) const {
    const Named<T2iAdapter>& adapter = m_adapters[begun.index];
    const T2iAdapterConfig& config = adapter.net.config();
    for (const auto& [name, size] :
         {std::pair{"width", begun.picture.shape[1]}, {"height", begun.picture.shape[0]}})
        if (size % config.factor != 0)
            throw Error(
                ErrorCode::InvalidArgument,
                std::string(name) + ": " + std::to_string(size) + " is not a multiple of " +
                    std::to_string(config.factor) + ", which " + adapter.label + " needs.",
                "Use " +
                    std::to_string(std::max(size / config.factor, int64_t{1}) * config.factor) +
                    ".");
    std::vector<Tensor> features =
        adapter.net(pictureTensor(begun.picture, config.pictureChannels, m_device));
    checkFeatures(adapter, features);
    for (Tensor& feature : features) feature = scaled(feature, begun.weight);
    return features;
}

void ControlNets::see(ControlRun& run) const {
    for (ControlRun::Control& control : run.m_controls) {
        control.condition = control.net->embedPicture(pictureTensor(control.picture, 3, m_device));
        control.picture = {};
    }
    for (ControlRun::Adapter& adapter : run.m_adapters) {
        adapter.features = featuresOf(adapter);
        adapter.picture = {};
    }
}

ControlRun ControlNets::within(const ControlRun& run, const Window& window) const {
    const Window pixels{window.top * m_vaeFactor, window.left * m_vaeFactor,
                        window.height * m_vaeFactor, window.width * m_vaeFactor};
    ControlRun part;
    part.m_positiveOnly = run.m_positiveOnly;
    for (const ControlRun::Control& control : run.m_controls)
        part.m_controls.push_back({control.net,
                                   control.index,
                                   control.strength,
                                   control.stretch,
                                   cropped(control.picture, pixels),
                                   {}});
    for (const ControlRun::Adapter& adapter : run.m_adapters)
        part.m_adapters.push_back(
            {adapter.index, adapter.weight, adapter.stretch, cropped(adapter.picture, pixels), {}});
    see(part);
    return part;
}

ControlRun ControlNets::begin(const ImageRequest& request, const RunInputs& inputs) const {
    if (inputs.controls.size() != m_controls.size() ||
        inputs.adapters.size() != m_adapters.size() ||
        request.controls.size() != m_controls.size() ||
        request.adapters.size() != m_adapters.size())
        throw Error(ErrorCode::Internal, "There is not one picture for each net that steers.");
    ControlRun run;
    // A net that steers the whole leads like that always, by the reference's first one.
    const bool pools = !m_controls.empty() && m_controls.front().net.config().poolsResiduals;
    run.m_positiveOnly = request.controlGuess == "on" || pools;
    const auto fitted = [&request](const HostTensor& picture) {
        return resized(picture, *request.height, *request.width);
    };
    for (size_t i = 0; i < m_controls.size(); ++i) {
        const ControlChoice choice = choiceOf(request.controls[i]);
        run.m_controls.push_back({&m_controls[i].net,
                                  i,
                                  {.weight = choice.weight, .risesWithDepth = run.m_positiveOnly},
                                  {choice.begin, choice.end},
                                  fitted(inputs.controls[i]),
                                  {}});
    }
    for (size_t i = 0; i < m_adapters.size(); ++i) {
        const ControlChoice choice = choiceOf(request.adapters[i]);
        run.m_adapters.push_back(
            {i, choice.weight, {choice.begin, choice.end}, fitted(inputs.adapters[i]), {}});
    }
    if (!request.denoiseTile) see(run);
    return run;
}

} // namespace kinora::pipelines
