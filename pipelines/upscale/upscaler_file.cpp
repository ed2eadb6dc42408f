#include "pipelines/upscale/upscaler_file.h"

#include "pipelines/upscale/upscaler_names.h"
#include "pipelines/upscale/upscaler_network.h"
#include "pipelines/upscale/upscaler_shapes.h"
#include "pipelines/weights/json_text.h"
#include "pipelines/weights/weight_file.h"

#include <optional>
#include <utility>

namespace kinora::pipelines {
namespace {

constexpr int64_t kMostFeatures = 4096;

class RenamedWeights final : public WeightSource {
  public:
    RenamedWeights(std::shared_ptr<const WeightSource> file, UpscalerNames names)
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
    std::shared_ptr<const WeightSource> m_file; // shared with who asks what else it may be
    UpscalerNames m_names;                      // asked for -> stored
};

// The first that fits.
constexpr const UpscalerKind* kKinds[] = {&kRrdbKind, &kSrvggKind};

} // namespace

const UpscalerKind* findUpscalerKind(const UpscalerNames& names) {
    for (const UpscalerKind* kind : kKinds)
        if (kind->fits(names)) return kind;
    return nullptr;
}

const char* upscalerKindName(const UpscalerKind& kind) {
    return kind.name;
}

UpscalerFile::UpscalerFile(const std::filesystem::path& path)
    : UpscalerFile(openWeightFile(path, path.filename().string())) {}

UpscalerFile::UpscalerFile(std::shared_ptr<const WeightSource> opened) {
    const std::vector<std::string> stored = opened->names();
    auto names = upscalerNames(stored);
    const UpscalerKind* const kind = findUpscalerKind(names);
    if (!kind)
        UpscalerShapes(*opened).refuse("is no upscaler that is known here; its first tensor is " +
                                       briefName(stored.empty() ? std::string() : stored.front()));
    m_weights = std::make_unique<RenamedWeights>(std::move(opened), std::move(names));
    const UpscalerShapes shapes(*m_weights);
    m_config = kind->config(shapes);
    m_config.kind = kind;
    shapes.require(m_config.features, kMostFeatures, "number of features");
    shapes.require(m_config.growth, kMostFeatures, "growth");
    shapes.require(m_config.blocks, UpscalerShapes::kMostBlocks, "number of blocks");
    shapes.require(m_config.scale, UpscalerShapes::kMostScale, "scale");
}

} // namespace kinora::pipelines
