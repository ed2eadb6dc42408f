#pragma once
// What a run will do and cost, known before it starts. A plain value.

#include <nlohmann/json_fwd.hpp>

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace kinora::pipelines {

struct Plan {
    std::string device;     // "cpu"
    std::string deviceName; // "Intel Xeon Platinum 8370C, 2 threads"
    int threads = 0;
    std::string precision;        // "f32", "bf16"
    int64_t batch = 1;            // pictures at once
    std::string tiling;           // "none"; "vae": it works in tiles
    std::string preview = "none"; // what makes them: "fast", a matrix; "tiny", a small autoencoder
    int64_t width = 0, height = 0, steps = 0, count = 1;

    double seconds = 0; // the whole run, loading included
    double secondsPerStep = 0;
    size_t weightBytes = 0;
    size_t peakBytes = 0; // of the process: weights, arena, program
    size_t availableBytes = 0;
    bool fits = true;
    std::string advice;                // where it does not fit: what would
    std::vector<std::string> warnings; // what is done otherwise than the model asks; sentences
};

nlohmann::json toJson(const Plan& plan);

// Of one that runs after the other: time adds up, of memory the larger counts.
Plan following(const Plan& first, const Plan& second);

} // namespace kinora::pipelines
