#include "core/engine/upscale.h"

#include "core/engine/process_memory.h"
#include "kernels/base/elapsed_time.h"
#include "pipelines/image/plan_text_to_image.h"
#include "pipelines/upscale/upscaler.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <cmath>
#include <new>
#include <thread>

namespace kinora::core {
namespace {

using pipelines::HostPicture;
using pipelines::Upscaler;

static_assert(kLeastUpscaleTile == Upscaler::kLeastTile && kMostUpscaleTile == Upscaler::kMostTile);

// Colour as it is; alpha as a gray picture.
HostPicture part(const Image& image, bool alpha) {
    HostPicture picture{image.width, image.height, {}};
    const auto channels = static_cast<size_t>(image.channels);
    picture.pixels.reserve(image.pixels.size() / channels * 3);
    for (size_t i = 0; i < image.pixels.size(); i += channels)
        for (size_t c = 0; c < 3; ++c) picture.pixels.push_back(image.pixels[i + (alpha ? 3 : c)]);
    return picture;
}

Image joined(HostPicture colour, const HostPicture& alpha) {
    Image image{static_cast<int>(colour.width), static_cast<int>(colour.height), 3, {}};
    if (alpha.pixels.empty()) {
        image.pixels = std::move(colour.pixels);
        return image;
    }
    image.channels = 4;
    image.pixels.reserve(colour.pixels.size() / 3 * 4);
    for (size_t i = 0; i < colour.pixels.size(); i += 3) {
        image.pixels.insert(image.pixels.end(), &colour.pixels[i], &colour.pixels[i] + 3);
        image.pixels.push_back((alpha.pixels[i] + alpha.pixels[i + 1] + alpha.pixels[i + 2]) / 3);
    }
    return image;
}

class UpscaleRun {
  public:
    UpscaleRun(const kernels::BackendRegistry& backends, const Image& picture,
               const UpscaleOptions& options)
        : m_backends(backends), m_picture(picture), m_options(options), m_file(options.upscaler) {
        const kernels::BackendTable& cpu = backends.find("cpu");
        cpu.describe(0, &m_machine);
        m_compute = pipelines::choosePrecision(options.precision, cpu, 0, m_machine);
        m_plan.kind = pipelines::upscalerKindName(*m_file.config().kind);
        m_plan.scale = m_file.config().scale;
        m_plan.width = picture.width * m_plan.scale;
        m_plan.height = picture.height * m_plan.scale;
        m_plan.precision = kernels::dtypeName(m_compute);
        m_plan.threads = options.threads > 0
                             ? options.threads
                             : static_cast<int>(std::max(1U, std::thread::hardware_concurrency()));
    }

    UpscalePlan measured() {
        if (std::max(m_plan.width, m_plan.height) > kMostUpscaledSide)
            throw Error(ErrorCode::InvalidArgument,
                        "The result would be " + std::to_string(m_plan.width) + " x " +
                            std::to_string(m_plan.height) + " pixels, and at most " +
                            std::to_string(kMostUpscaledSide) + " on a side can be made.",
                        "Use a smaller picture or an upscaler of a smaller factor.");
        if (m_options.tile != 0 &&
            (m_options.tile < Upscaler::kLeastTile || m_options.tile > Upscaler::kMostTile))
            throw Error(ErrorCode::InvalidArgument,
                        "tile: it must be from " + std::to_string(Upscaler::kLeastTile) + " to " +
                            std::to_string(Upscaler::kMostTile) + ".");
        chooseTile();
        return m_plan;
    }

    UpscalePlan plan() {
        measured();
        if (m_plan.predictedPeakBytes > m_machine.freeMemoryBytes + residentBytes())
            throw Error(m_plan.predictedPeakBytes > m_machine.memoryBytes ? ErrorCode::DoesNotFit
                                                                          : ErrorCode::Busy,
                        "This takes " + std::to_string(m_plan.predictedPeakBytes >> 20) +
                            " MiB of memory and " +
                            std::to_string(m_machine.freeMemoryBytes >> 20) + " MiB are free.",
                        "Use a smaller picture, or close other programs.");
        return m_plan;
    }

    Upscaled run() {
        plan();
        const auto start = Clock::now();
        const auto device = m_backends.open("cpu", {.threads = m_plan.threads});
        device->setCancelToken(m_options.cancel);
        const Upscaler upscaler(m_file, *device, m_compute);
        const bool alpha = m_picture.channels == 4;
        const auto enlarge = [&](bool alphaPart) {
            HostPicture large =
                upscaler(part(m_picture, alphaPart), m_plan.tile, [&](int64_t done, int64_t of) {
                    tell(start, done + (alphaPart ? of : 0), alpha ? 2 * of : of);
                });
            checkNumbers(large);
            return large;
        };
        Upscaled result;
        HostPicture colour = enlarge(false);
        result.image = joined(std::move(colour), alpha ? enlarge(true) : HostPicture());
        result.plan = m_plan;
        result.seconds = secondsSince(start);
        result.peakBytes = peakResidentBytes();
        if (const auto& unused = upscaler.unusedTensors(); !unused.empty())
            result.warnings.push_back(m_file.label() + ": " + std::to_string(unused.size()) +
                                      " tensors were not used, " + unused.front() +
                                      " the first of them.");
        return result;
    }

  private:
    // The largest usual tile that fits; a tile that was asked for is taken as it is.
    void chooseTile() {
        constexpr std::array<int64_t, 3> kTiles = {Upscaler::kUsualTile, 128, Upscaler::kLeastTile};
        if (m_options.tile != 0) return predict(m_options.tile);
        for (const int64_t tile : kTiles) {
            predict(tile);
            if (m_plan.predictedPeakBytes <= m_machine.freeMemoryBytes + residentBytes()) return;
        }
    }

    void predict(int64_t tile) {
        const auto meta = m_backends.open("meta", {.threads = m_plan.threads});
        const Upscaler upscaler(m_file, *meta, m_compute);
        const HostPicture picture{m_picture.width, m_picture.height, {}};
        meta->startRecording();
        upscaler(picture, tile);
        const auto work = meta->stopRecording();
        if (m_options.speed) m_plan.secondsPerTile = predictSeconds(work, *m_options.speed);
        m_plan.tiles = upscaler.tiles(picture, tile) * (m_picture.channels == 4 ? 2 : 1);
        const auto pixels =
            static_cast<uint64_t>(m_plan.width) * static_cast<uint64_t>(m_plan.height);
        // The result as it grows and as it is handed on, in f32, and its bytes on the way to a
        // file.
        const uint64_t perPixel = m_picture.channels == 4 ? 2 * 12 + 16 + 4 : 12 + 12 + 3;
        m_plan.tile = tile;
        m_plan.addedBytes = kGeneratedCodeBytes + kPictureLibraryBytes + meta->weightBytes() +
                            meta->arena().stats().peakReservedBytes + perPixel * pixels;
        m_plan.predictedPeakBytes = residentBytes() + m_plan.addedBytes;
    }

    void checkNumbers(const HostPicture& large) const {
        if (std::ranges::all_of(large.pixels, [](float value) { return std::isfinite(value); }))
            return;
        throw Error(ErrorCode::BadFile,
                    m_file.label() + ": computes numbers that are none in " + m_plan.precision +
                        ": nothing was written.",
                    m_compute == kernels::DType::F32 ? "The file is damaged: fetch it again."
                                                     : "Try --precision f32.");
    }

    void tell(Clock::time_point start, int64_t done, int64_t of) const {
        if (!m_options.progress) return;
        const double perTile = secondsSince(start) / static_cast<double>(done);
        m_options.progress(done, of, perTile * static_cast<double>(of - done));
    }

    const kernels::BackendRegistry& m_backends;
    const Image& m_picture;
    const UpscaleOptions& m_options;
    pipelines::UpscalerFile m_file;
    kernels::DeviceDescription m_machine{};
    kernels::DType m_compute = kernels::DType::F32;
    UpscalePlan m_plan;
};

// Everything that ends a run, as the result that says so.
template <typename T, typename Run> Result<T> answered(const Run& run) {
    try {
        return run();
    } catch (const Error& error) {
        return error;
    } catch (const std::bad_alloc&) {
        return Error(ErrorCode::OutOfMemory, "Memory ran out.", "Use a smaller picture.");
    } catch (const std::exception& error) {
        return Error(ErrorCode::Internal, std::string("Upscaling failed: ") + error.what());
    }
}

} // namespace

Result<std::optional<Upscaled>> upscalePicture(const kernels::BackendRegistry& backends,
                                               const Image& picture,
                                               const UpscaleOptions& options) {
    return answered<std::optional<Upscaled>>([&]() -> std::optional<Upscaled> {
        try {
            return UpscaleRun(backends, picture, options).run();
        } catch (const Cancelled&) {
            return std::nullopt;
        }
    });
}

Result<UpscalePlan> measureUpscale(const kernels::BackendRegistry& backends, const Image& picture,
                                   const UpscaleOptions& options) {
    return answered<UpscalePlan>([&] { return UpscaleRun(backends, picture, options).measured(); });
}

Result<UpscalePlan> planUpscale(const kernels::BackendRegistry& backends, const Image& picture,
                                const UpscaleOptions& options) {
    return answered<UpscalePlan>([&] { return UpscaleRun(backends, picture, options).plan(); });
}

} // namespace kinora::core
