#include "pipelines/image/picture_prompts.h"

#include "kernels/base/error.h"
#include "pipelines/vision/clip_vision_file.h"

#include <algorithm>
#include <utility>

namespace kinora::pipelines {

using kernels::DType;

PicturePrompts::PicturePrompts(const Model& model, kernels::Device& device, DType compute,
                               const std::function<void(double fraction)>& loading)
    : m_device(device) {
    const ClipVisionFile file(model.imageEncoder());
    const double all = static_cast<double>(std::max<int64_t>(file.weights().totalBytes(), 1));
    m_encoder = std::make_unique<ClipVisionModel>(
        file.config(), Weights(file.weights(), device, compute, [&](int64_t bytesRead) {
            loading(static_cast<double>(bytesRead) / all);
        }));
    for (const auto& adapter : model.ipAdapters()) {
        if (!file.fits(*adapter))
            throw Error(ErrorCode::Unsupported,
                        adapter->label() + ": looks at pictures through an encoder " +
                            std::to_string(adapter->pictureWidth()) + " wide; " +
                            file.weights().label() + " is " + std::to_string(file.config().width) +
                            " wide, its projection " + std::to_string(file.config().projection) +
                            ".",
                        "Name the encoder that it was made with: --image-encoder.");
        m_projections.push_back(
            makePictureProjection(*adapter, Weights(adapter->weights(), device, compute)));
    }
}

ClipVisionResult PicturePrompts::look(std::vector<float> pixels) const {
    const int64_t side = m_encoder->config().imageSize;
    pixels.resize(static_cast<size_t>(side * side * 3)); // zeros where there are none
    return (*m_encoder)(m_device.fromHost(pixels.data(), {1, side, side, 3}, DType::F32));
}

PicturePrompts::Told PicturePrompts::tell(const std::vector<RunInputs::Prompt>& pictures) const {
    const ClipVisionResult nothing = look({});
    Told told;
    for (const RunInputs::Prompt& prompt : pictures) {
        std::vector<float> pixels = prompt.picture.values;
        normaliseForClip(pixels);
        const PictureProjection& projection = *m_projections.at(prompt.adapter);
        const auto weight = static_cast<float>(prompt.weight);
        const kernels::Tensor strength = m_device.fromHost(&weight, {1, 1, 1}, DType::F32);
        told.positive.push_back({projection(look(std::move(pixels))), strength, prompt.adapter});
        told.negative.push_back({projection.negative(nothing), strength, prompt.adapter});
    }
    return told;
}

} // namespace kinora::pipelines
