#pragma once
// Times one part of a model, or a whole run from prompt to pixels, with random weights of the real
// sizes: no files are read, and nothing but the sizes matters to the time.

#include "kernels/backend/registry.h"
#include "kernels/base/cancel_token.h"
#include "kernels/base/result.h"
#include "pipelines/plan/time_model.h"

#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace kinora::core {

enum class BenchPart { Unet, Vae, Text, Image };

struct BenchOptions {
    BenchPart part = BenchPart::Unet;
    std::filesystem::path modelFolder; // in diffusers' layout; its configs alone are read
    int64_t width = 512, height = 512; // pixels
    int64_t batch = 1;                 // pictures at once
    bool tiled = false;                // the VAE in tiles, as where memory is short
    int64_t steps = 20;                // Image: with guidance, so the UNet runs on twice the batch
    std::string precision = "auto";    // "auto", "f32", "bf16"
    int threads = 0;                   // 0: one per core
    int64_t repeat = 5;                // at least 1
    std::filesystem::path dataFolder;  // measured speeds are cached in it; empty: not cached
    std::string version;               // of the program: a new one measures anew
    CancelToken cancel;
    std::function<void(int64_t done)> progress; // after each run, the first (untimed) is 0
};

// Ops of one class, all together.
struct BenchClass {
    std::string name; // "convolution"
    pipelines::ClassTime time;
};

struct BenchResult {
    std::string precision;
    int threads = 0;
    std::vector<double> seconds; // of each timed run
    double medianSeconds = 0;
    double gflop = 0;       // of one run; a multiply-add counts as two
    uint64_t peakBytes = 0; // resident set of the process at its highest
    double predictedSeconds = 0;
    std::vector<BenchClass> classes; // of the run in the middle; those with ops
    uint64_t predictedPeakBytes = 0;
};

// nullopt: cancelled. Error{InvalidArgument, Unsupported, DoesNotFit (never), Busy (not with the
// memory that is free now), OutOfMemory, BadFile, Io}. The registry has the back ends "cpu" and
// "meta".
Result<std::optional<BenchResult>> runBench(const kernels::BackendRegistry& backends,
                                            const BenchOptions& options);

} // namespace kinora::core
