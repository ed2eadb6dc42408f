#include "pipelines/weights/weight_file.h"

#include "pipelines/weights/pickle/pickled_weights.h"
#include "pipelines/weights/safetensors.h"
#include "pipelines/weights/scaled_weights.h"

#include <algorithm>
#include <utility>

namespace kinora::pipelines {
namespace {

// Nine: a safetensors file may begin with any length, and then has a brace.
std::string firstBytes(const RegularFile& file) {
    std::string bytes(std::min<uint64_t>(file.sizeBytes(), 9), '\0');
    file.read(0, std::as_writable_bytes(std::span(bytes)));
    return bytes;
}

} // namespace

std::unique_ptr<WeightSource> openWeightFile(const std::filesystem::path& path, std::string label) {
    RegularFile file(path, label);
    const std::string begin = firstBytes(file);
    const bool header = begin.size() == 9 && begin.back() == '{';
    if (!header && looksPickled(begin))
        return withScales(std::make_unique<PickledWeights>(path, std::move(label)));
    return withScales(std::make_unique<SafetensorsFile>(std::move(file)));
}

} // namespace kinora::pipelines
