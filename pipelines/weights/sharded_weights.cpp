#include "pipelines/weights/sharded_weights.h"

#include "kernels/base/error.h"
#include "pipelines/weights/json_text.h"

#include <nlohmann/json.hpp>

#include <set>
#include <utility>

namespace kinora::pipelines {
namespace {

constexpr size_t kMostShards = 1000;

[[noreturn]] void fail(const std::string& label, const std::string& what) {
    throw Error(ErrorCode::BadFile, label + ": " + what,
                "The index is damaged; fetch the model again.");
}

bool isPlainName(const std::string& name) {
    return name.size() <= 255 && name.ends_with(".safetensors") && !name.starts_with(".") &&
           name.find_first_of(std::string_view("/\\:\0", 4)) == std::string::npos;
}

// tensor name -> shard name
std::map<std::string, std::string> readWeightMap(const std::filesystem::path& index,
                                                 const std::string& label) {
    const nlohmann::json json = readJsonFile(index, label);
    const auto entries = json.find("weight_map");
    if (entries == json.end() || !entries->is_object() || entries->empty())
        fail(label, "has no \"weight_map\" with the places of tensors.");
    std::map<std::string, std::string> map;
    std::set<std::string> shards;
    for (const auto& [name, shard] : entries->items()) {
        if (!shard.is_string() || !isPlainName(shard.get<std::string>()))
            fail(label, "tensor " + brief(name) + " is said to be in " + brief(shard) +
                            ", which is not the name of a safetensors file in the same folder.");
        shards.insert(shard.get<std::string>());
        if (shards.size() > kMostShards) fail(label, "names more than 1000 files.");
        map.emplace(name, shard.get<std::string>());
    }
    return map;
}

} // namespace

std::vector<std::string> shardNames(const std::filesystem::path& index, const std::string& label) {
    std::set<std::string> names;
    for (auto& [tensor, shard] : readWeightMap(index, label)) names.insert(shard);
    return {names.begin(), names.end()};
}

ShardedWeights::ShardedWeights(const std::filesystem::path& index, std::string label)
    : m_label(std::move(label)) {
    const std::string folder = m_label.substr(0, m_label.find_last_of('/') + 1);
    std::map<std::string, const SafetensorsFile*> open;
    for (const auto& [tensor, shard] : readWeightMap(index, m_label)) {
        auto [place, isNew] = open.try_emplace(shard, nullptr);
        if (isNew) {
            m_shards.push_back(
                std::make_unique<SafetensorsFile>(index.parent_path() / shard, folder + shard));
            place->second = m_shards.back().get();
        }
        if (!place->second->find(tensor, {}))
            fail(m_label, "tensor " + brief(tensor) + " is not in " + shard + ".");
        m_places.emplace(tensor, place->second);
    }
}

std::optional<TensorInfo> ShardedWeights::find(std::string_view name,
                                               const kernels::Shape& expected) const {
    const auto place = m_places.find(name);
    return place == m_places.end() ? std::nullopt : place->second->find(name, expected);
}

std::vector<std::string> ShardedWeights::names() const {
    std::vector<std::string> names;
    for (const auto& [name, shard] : m_places) names.push_back(name);
    return names;
}

int64_t ShardedWeights::totalBytes() const {
    int64_t bytes = 0;
    for (const auto& shard : m_shards) bytes += shard->totalBytes();
    return bytes;
}

void ShardedWeights::read(std::string_view name, int64_t first, std::span<float> values) const {
    const auto place = m_places.find(name);
    if (place == m_places.end())
        throw Error(ErrorCode::Internal, m_label + ": no tensor " + std::string(name) + ".");
    place->second->read(name, first, values);
}

} // namespace kinora::pipelines
