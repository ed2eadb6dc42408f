#include "pipelines/image/picture_start.h"

#include "kernels/ops/elementwise.h"
#include "kernels/ops/layout.h"
#include "kernels/ops/resample.h"
#include "pipelines/image/autoencoder_input.h"
#include "pipelines/vae/posterior.h"

#include <vector>

namespace kinora::pipelines {

using kernels::DType;
using kernels::Tensor;

namespace {

// 1 - mask: for zeros and ones.
Tensor inverse(const Tensor& mask) {
    const std::vector<float> ones(static_cast<size_t>(mask.elements()), 1.0f);
    return kernels::subtract(mask.device().fromHost(ones.data(), mask.shape(), DType::F32), mask);
}

Tensor repeated(const Tensor& one, int64_t times) {
    return times == 1 ? one : kernels::stack(std::vector<Tensor>(static_cast<size_t>(times), one));
}

} // namespace

PictureStart::PictureStart(DenoiserInput kind, const RunInputs& inputs, const VaeConfig& vae,
                           const Encode& encode, AlphaMeaning alpha, kernels::Device& device)
    : m_kind(kind), m_vae(vae) {
    const Tensor picture = autoencoderInput(inputs.init, vae, alpha, device);
    m_moments = encode(picture);
    if (kind == DenoiserInput::Picture)
        m_edited = m_vae.encoding == Encoding::Exact ? m_moments : posteriorMean(m_moments);
    if (inputs.mask.shape.rank() != 3) return;
    const Tensor mask = binaryMask(inputs.mask, device);
    m_masked = encode(kernels::multiply(picture, inverse(mask)));
    m_mask = kernels::resizeNearest(mask, m_moments.dim(1), m_moments.dim(2));
    m_kept = inverse(m_mask);
}

Tensor PictureStart::draw(const Tensor& encoded, BatchNoise& noise) const {
    if (m_vae.encoding == Encoding::Exact)
        return repeated(kernels::linearCombination({{m_vae.scalingFactor, encoded}}),
                        noise.pictures());
    const Tensor drawn =
        noise.draw(encoded.device(), encoded.dim(1), encoded.dim(2), m_vae.latentChannels);
    return samplePosterior(encoded, drawn, m_vae);
}

PictureStart::Batch PictureStart::begin(const Scheduler& scheduler, int firstCall, double strength,
                                        BatchNoise& noise,
                                        const std::function<Tensor()>& drawStart) const {
    const bool inpaints = m_mask.defined();
    const bool shown = m_kind == DenoiserInput::MaskAndMasked; // else kept by putting it back
    // Where nothing of the picture is left, inpainting begins from noise; image to image does not.
    const bool fromNoise = !m_moments.defined() || isEdit() || (inpaints && strength >= 1);

    Batch batch;
    Tensor clean;
    if (!fromNoise || (inpaints && !shown)) clean = draw(m_moments, noise);
    const Tensor start = drawStart();
    batch.latents = fromNoise ? kernels::linearCombination({{scheduler.initialNoiseSigma(), start}})
                              : scheduler.addNoise(clean, start, firstCall);
    if (isEdit()) batch.channels = repeated(m_edited, start.dim(0));
    if (!inpaints) return batch;
    const Tensor masked = draw(m_masked, noise); // drawn by the reference even where it is not used
    if (shown) {
        batch.channels = kernels::concat({repeated(m_mask, start.dim(0)), masked});
    } else {
        batch.clean = clean;
        batch.noise = start;
    }
    return batch;
}

Tensor PictureStart::keep(const Batch& batch, const Tensor& latents, const Scheduler& scheduler,
                          int nextCall) const {
    if (!batch.clean) return latents;
    const Tensor picture = nextCall < scheduler.callCount()
                               ? scheduler.addNoise(batch.clean, batch.noise, nextCall)
                               : batch.clean;
    return kernels::add(kernels::multiply(picture, m_kept), kernels::multiply(latents, m_mask));
}

} // namespace kinora::pipelines
