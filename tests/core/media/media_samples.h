#pragma once
// Pictures and provenance for the tests of core/media.

#include "core/media/image.h"
#include "core/media/provenance.h"

#include <QString>

#include <cmath>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

namespace kinora::core::samples {

// Smooth colours and, with 4 channels, alpha from clear to opaque. Deterministic.
inline Image picture(int width, int height, int channels) {
    Image image{width, height, channels, {}};
    for (int y = 0; y < height; ++y) {
        for (int x = 0; x < width; ++x) {
            const float u = static_cast<float>(x) / static_cast<float>(width);
            const float v = static_cast<float>(y) / static_cast<float>(height);
            const float pixel[4] = {u, v, 0.5F + 0.4F * std::sin(6 * u * v), (u + v) / 2};
            image.pixels.insert(image.pixels.end(), pixel, pixel + channels);
        }
    }
    return image;
}

inline Provenance provenance(const std::string& prompt, const std::string& negative = "blurry") {
    Provenance made;
    made.request.prompt = prompt;
    made.request.negative = negative;
    made.request.steps = 24;
    made.request.sampler = "dpmpp_2m";
    made.request.schedule = "karras";
    made.request.cfg = 5.5;
    made.request.guidanceRescale = 0.5;
    made.request.width = 128;
    made.request.height = 64;
    made.request.seed = 9'007'199'254'740'993; // no double holds it
    made.modelName = "starter-image";
    made.modelHash = "sha256:" + std::string(64, 'a');
    made.engineVersion = "kinora 0.1.0 (abc1234)";
    made.device = "cpu";
    made.precision = "f32";
    made.threads = 2;
    made.batch = 1;
    return made;
}

inline std::string bytesOf(const std::filesystem::path& path) {
    std::ifstream file(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
}

inline void write(const std::filesystem::path& path, const std::string& bytes) {
    std::ofstream(path, std::ios::binary) << bytes;
}

inline QString shown(const std::string& text) {
    return QString::fromUtf8(text.data(), static_cast<qsizetype>(text.size()));
}

} // namespace kinora::core::samples
