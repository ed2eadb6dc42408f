#include "core/engine/passes/enlarge_picture.h"

#include <cstdint>
#include <utility>

namespace kinora::core {
namespace {

Image asStored(const Image& image) {
    constexpr float kStep =
        1.0F / 255; // as the reader of files multiplies: a division rounds elsewhere
    Image stored{image.width, image.height, image.channels, {}};
    stored.pixels.reserve(image.pixels.size());
    for (const uint8_t value : toBytes(image))
        stored.pixels.push_back(static_cast<float>(value) * kStep);
    return stored;
}

} // namespace

Image enlargedPicture(const kernels::BackendRegistry& backends, const PictureEnlargement& how,
                      const Image& picture, const CancelToken& cancel,
                      const std::function<void()>& tile) {
    UpscaleOptions options;
    options.upscaler = how.upscaler;
    options.precision = how.plan.precision;
    options.tile = how.plan.tile;
    options.threads = how.plan.threads;
    options.cancel = cancel;
    options.progress = [&](int64_t, int64_t, double) { tile(); };
    Result<std::optional<Upscaled>> result =
        upscalePicture(backends, how.asStored ? asStored(picture) : picture, options);
    if (!result) throw result.error();
    if (!*result) throw Cancelled{};
    return std::move((*result)->image);
}

} // namespace kinora::core
