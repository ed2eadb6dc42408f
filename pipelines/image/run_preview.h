#pragma once
// How a run's previews are made, and what makes them.

#include "kernels/backend/device.h"
#include "pipelines/vae/preview_decoder.h"
#include "pipelines/weights/external_vae.h"

#include <cstdint>
#include <memory>
#include <optional>

namespace kinora::pipelines {

class Model;

enum class PreviewKind {
    Matrix, // a pixel for each of the latents: the model's factors, or those of its family
    Tiny,   // a small autoencoder
};

struct PreviewChoice {
    PreviewKind kind = PreviewKind::Matrix;
    std::optional<ExternalVae> vae; // Tiny: that decodes; none: the model's own, which is small
    int64_t pooling = 1;            // Tiny: of latents before they are decoded (tiny_preview.h)
};

// Reads the weights that it takes. nullptr where the model's latents are not known. Throws as a
// VAE's loading; Error{Unsupported} where the small one does not decode such latents to RGB.
std::unique_ptr<PreviewDecoder> makePreviewDecoder(const Model& model, kernels::Device& device,
                                                   kernels::DType compute,
                                                   const PreviewChoice& choice);

// A small autoencoder's previews have at most so many pixels a side.
inline constexpr int64_t kLargestPreviewPixels = 512;
// ... and where they are to cost little, not less than these.
inline constexpr int64_t kSmallestPreviewPixels = 192;

// The least pooling with which a picture of that longer side gives such a preview.
int64_t poolingFor(int64_t longerSidePixels);

// The least pooling, from poolingFor() on, with which previews take at most a twentieth of the
// steps' time; nullopt where they would be smaller than kSmallestPreviewPixels by then. share: of
// the steps' time with poolingFor().
std::optional<int64_t> cheapPooling(int64_t longerSidePixels, double share);

} // namespace kinora::pipelines
