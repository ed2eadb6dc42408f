#include "pipelines/request/attention_layers.h"

#include <algorithm>
#include <charconv>
#include <system_error>

namespace kinora::pipelines {
namespace {

constexpr size_t kMostBlocks = 64;

struct Name {
    std::string_view text;
    DenoiserPath path;
};
constexpr Name kNames[] = {
    {"down", DenoiserPath::Down}, {"mid", DenoiserPath::Middle}, {"up", DenoiserPath::Up}};

std::optional<AttentionLayer> parseLayer(std::string_view text) {
    const size_t dot = std::min(text.find('.'), text.size());
    const auto* name = std::ranges::find(kNames, text.substr(0, dot), &Name::text);
    if (name == std::end(kNames)) return std::nullopt;
    AttentionLayer layer{name->path, {}};
    if (dot == text.size()) return layer;
    const std::string_view digits = text.substr(dot + 1);
    size_t number = 0;
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), number);
    const bool isNumber = error == std::errc() && end == digits.data() + digits.size();
    if (!isNumber || number >= kMostBlocks || layer.path == DenoiserPath::Middle)
        return std::nullopt;
    layer.block = number;
    return layer;
}

} // namespace

std::string toText(const AttentionLayer& layer) {
    const std::string path(std::ranges::find(kNames, layer.path, &Name::path)->text);
    return layer.block ? path + "." + std::to_string(*layer.block) : path;
}

std::optional<std::vector<AttentionLayer>> parseAttentionLayers(std::string_view text) {
    std::vector<AttentionLayer> layers;
    while (true) {
        const size_t comma = std::min(text.find(','), text.size());
        const std::optional<AttentionLayer> layer = parseLayer(text.substr(0, comma));
        if (!layer) return std::nullopt;
        layers.push_back(*layer);
        if (comma == text.size()) return layers;
        text.remove_prefix(comma + 1);
    }
}

} // namespace kinora::pipelines
