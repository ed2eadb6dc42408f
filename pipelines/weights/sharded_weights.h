#pragma once
// One component in several safetensors files, with an index that says which tensor is in which:
// model.safetensors.index.json.

#include "pipelines/weights/safetensors.h"

#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace kinora::pipelines {

// The file names in an index, sorted, each once; checked to be plain names, so that none leads out
// of the index's folder. Throws Error{NotFound, BadFile, Io}.
std::vector<std::string> shardNames(const std::filesystem::path& index, const std::string& label);

class ShardedWeights final : public WeightSource {
  public:
    // label: how errors name the index. Throws as SafetensorsFile, and where a tensor is not in
    // the shard that the index names.
    ShardedWeights(const std::filesystem::path& index, std::string label);

    const std::string& label() const override { return m_label; }
    std::optional<TensorInfo> find(std::string_view name,
                                   const kernels::Shape& expected) const override;
    std::vector<std::string> names() const override;
    int64_t totalBytes() const override;
    void read(std::string_view name, int64_t first, std::span<float> values) const override;

  private:
    std::string m_label;
    std::vector<std::unique_ptr<SafetensorsFile>> m_shards;
    std::map<std::string, const SafetensorsFile*, std::less<>> m_places;
};

} // namespace kinora::pipelines
