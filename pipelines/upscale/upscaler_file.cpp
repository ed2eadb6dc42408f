#include "pipelines/upscale/upscaler_file.h"

#include "kernels/base/error.h"
#include "pipelines/upscale/upscaler_names.h"
#include "pipelines/weights/json_text.h"
#include "pipelines/weights/weight_file.h"

#include <algorithm>
#include <optional>
#include <utility>

namespace kinora::pipelines {
namespace {

constexpr int64_t kMostFeatures = 4096, kMostBlocks = 1024, kMostScale = 16, kPictureChannels = 3;

class RenamedWeights final : public WeightSource {
  public:
    using Names = std::map<std::string, std::string, std::less<>>; // asked for -> stored
    RenamedWeights(std::unique_ptr<WeightSource> file, Names names)
        : m_file(std::move(file)), m_names(std::move(names)) {}

    const std::string& label() const override { return m_file->label(); }
    std::optional<TensorInfo> find(std::string_view name,
                                   const kernels::Shape& expected) const override {
        const auto found = m_names.find(name);
        if (found == m_names.end()) return std::nullopt;
        return m_file->find(found->second, expected);
    }
    std::vector<std::string> names() const override {
        std::vector<std::string> asked;
        for (const auto& [name, stored] : m_names) asked.push_back(name);
        return asked;
    }
    int64_t totalBytes() const override { return m_file->totalBytes(); }
    void read(std::string_view name, int64_t first, std::span<float> values) const override {
        m_file->read(m_names.find(name)->second, first, values);
    }

  private:
    std::unique_ptr<WeightSource> m_file;
    Names m_names;
};

// What a file is asked about itself.
class Shapes {
  public:
    explicit Shapes(const WeightSource& source) : m_source(source) {}

    bool has(const std::string& name) const { return m_source.find(name, {}).has_value(); }
    int rank(const std::string& name) const { return shape(name).rank(); }
    int64_t extent(const std::string& name, int axis) const {
        const kernels::Shape found = shape(name);
        if (axis >= found.rank()) refuse(briefName(name) + " has too few axes");
        return found[axis];
    }
    int64_t count(const std::string& before, const std::string& after) const {
        int64_t number = 0;
        while (number <= kMostBlocks && has(before + std::to_string(number) + after)) ++number;
        return number;
    }
    [[noreturn]] void refuse(const std::string& why) const {
        throw Error(ErrorCode::Unsupported, m_source.label() + ": " + why + ".",
                    "Upscalers of the kinds ESRGAN, Real-ESRGAN and its compact one can be used.");
    }
    void require(int64_t value, int64_t most, const char* what) const {
        if (value < 1 || value > most)
            refuse(std::string("its ") + what + " is " + std::to_string(value) + ", which is not " +
                   "from 1 to " + std::to_string(most));
    }

  private:
    kernels::Shape shape(const std::string& name) const {
        const auto found = m_source.find(name, {});
        if (!found) refuse(briefName(name) + " is missing");
        return found->shape;
    }
    const WeightSource& m_source;
};

// The side of a square of so many pixels; 0: it is none.
int64_t squareRoot(int64_t value) {
    for (int64_t side = 1; side <= kMostScale; ++side)
        if (side * side == value) return side;
    return 0;
}

UpscalerConfig rrdbConfig(const Shapes& shapes) {
    if (shapes.has("body.0.rdb1.conv1x1.weight"))
        shapes.refuse("it is an ESRGAN+, which is not known here");
    UpscalerConfig config;
    config.features = shapes.extent("conv_first.weight", 0);
    config.growth = shapes.extent("body.0.rdb1.conv1.weight", 0);
    config.blocks = shapes.count("body.", ".rdb1.conv1.weight");
    const int64_t channels = shapes.extent("conv_first.weight", 1);
    config.unshuffle = channels % kPictureChannels ? 0 : squareRoot(channels / kPictureChannels);
    if (config.unshuffle == 0 || shapes.extent("conv_last.weight", 0) != kPictureChannels)
        shapes.refuse("it is for pictures of " + std::to_string(channels) +
                      " channels, and here they have red, green and blue");
    config.upsamplers = 0;
    while (shapes.has("conv_up" + std::to_string(config.upsamplers + 1) + ".weight"))
        if (++config.upsamplers > 4) shapes.refuse("it enlarges too much");
    const int64_t inner = int64_t{1} << config.upsamplers;
    config.scale = inner / config.unshuffle;
    if (config.scale * config.unshuffle != inner) shapes.refuse("it makes pictures smaller");
    return config;
}

UpscalerConfig srvggConfig(const Shapes& shapes) {
    UpscalerConfig config;
    config.kind = UpscalerKind::Srvgg;
    config.features = shapes.extent("body.0.weight", 0);
    // Convolutions and slopes in turn; a convolution is last.
    const int64_t layers = shapes.count("body.", ".weight");
    if (layers < 3 || layers % 2 == 0 || shapes.rank("body.1.weight") != 1)
        shapes.refuse("its layers are not those of a compact network");
    config.blocks = (layers - 3) / 2;
    const int64_t out = shapes.extent("body." + std::to_string(layers - 1) + ".weight", 0);
    config.scale = out % kPictureChannels ? 0 : squareRoot(out / kPictureChannels);
    if (config.scale == 0 || shapes.extent("body.0.weight", 1) != kPictureChannels)
        shapes.refuse("it is not for pictures of red, green and blue");
    return config;
}

} // namespace

const char* upscalerKindName(UpscalerKind kind) {
    return kind == UpscalerKind::Rrdb ? "ESRGAN" : "Real-ESRGAN compact";
}

UpscalerFile::UpscalerFile(const std::filesystem::path& path) {
    auto file = openWeightFile(path, path.filename().string());
    const std::vector<std::string> stored = file->names();
    auto names = upscalerNames(stored);
    if (names.empty())
        Shapes(*file).refuse("is no upscaler that is known here; its first tensor is " +
                             briefName(stored.empty() ? std::string() : stored.front()));
    m_weights = std::make_unique<RenamedWeights>(std::move(file), std::move(names));
    const Shapes shapes(*m_weights);
    m_config = shapes.has("conv_first.weight") ? rrdbConfig(shapes) : srvggConfig(shapes);
    shapes.require(m_config.features, kMostFeatures, "number of features");
    shapes.require(m_config.growth, kMostFeatures, "growth");
    shapes.require(m_config.blocks, kMostBlocks, "number of blocks");
    shapes.require(m_config.scale, kMostScale, "scale");
}

} // namespace kinora::pipelines
