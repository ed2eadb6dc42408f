#pragma once
// Enlarges a picture with an ESRGAN-type upscaler.
//
//     auto result = upscalePicture(backends, picture, {.upscaler = path});

#include "core/media/image.h"
#include "core/media/provenance.h"
#include "kernels/backend/registry.h"
#include "kernels/base/cancel_token.h"
#include "kernels/base/result.h"
#include "pipelines/plan/time_model.h"

#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>

namespace kinora::core {

struct UpscaleOptions {
    std::filesystem::path upscaler;
    std::string precision = "auto"; // "auto", "f32", "bf16"
    int64_t tile = 0;               // side in pixels of the small picture; 0: what fits
    int threads = 0;                // 0: one per core
    CancelToken cancel;
    std::optional<pipelines::DeviceSpeed> speed; // in that precision, for a plan's time
    // Tiles that are finished, of how many, and about how long the others will take.
    std::function<void(int64_t done, int64_t of, double secondsLeft)> progress;
};

struct UpscalePlan {
    std::string kind; // "ESRGAN"
    int64_t scale = 1;
    int64_t width = 0, height = 0; // of the result
    int64_t tile = 0;
    std::string precision;
    int threads = 0;
    uint64_t predictedPeakBytes = 0;
    uint64_t addedBytes = 0;   // of that, what is taken beside what the process holds already
    int64_t tiles = 0;         // that are computed: of a picture with alpha twice as many
    double secondsPerTile = 0; // predicted, where the options say how fast the machine is
};

struct Upscaled {
    Image image;
    UpscalePlan plan;
    double seconds = 0;
    uint64_t peakBytes = 0;            // resident set of the process at its highest
    std::vector<std::string> warnings; // sentences
};

// The largest side of a result: larger ones are not read again (core/media/image_file.h).
inline constexpr int64_t kMostUpscaledSide = 16384;

// The sides of a tile that can be asked for.
inline constexpr int64_t kLeastUpscaleTile = 64, kMostUpscaleTile = 2048;

// The picture's alpha, where it has one, is enlarged by the same network. nullopt: cancelled.
// Error{NotFound, BadFile, Unsupported (no upscaler), InvalidArgument (the result or a tile is too
// large), DoesNotFit (never), Busy (not with the memory that is free now), OutOfMemory, Io}. The
// registry has the back ends "cpu" and "meta".
Result<std::optional<Upscaled>> upscalePicture(const kernels::BackendRegistry& backends,
                                               const Image& picture, const UpscaleOptions& options);

// What it would do and take, of a picture of which the size and the channels count; that it does
// not fit is no error. Error{NotFound, BadFile, Unsupported, InvalidArgument, Io}.
Result<UpscalePlan> measureUpscale(const kernels::BackendRegistry& backends, const Image& picture,
                                   const UpscaleOptions& options);

// What that would do and take. The same errors.
Result<UpscalePlan> planUpscale(const kernels::BackendRegistry& backends, const Image& picture,
                                const UpscaleOptions& options);

} // namespace kinora::core
