#pragma once
// Layers of a denoiser by name: "mid", "down", "up.0", "mid,down.1".

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace kinora::pipelines {

enum class DenoiserPath { Down, Middle, Up };

// A whole path, or one of its blocks.
struct AttentionLayer {
    DenoiserPath path = DenoiserPath::Middle;
    std::optional<size_t> block; // counted from 0 in the order of the path

    bool covers(DenoiserPath where, size_t number) const {
        return path == where && block.value_or(number) == number;
    }
};

// "down.1"
std::string toText(const AttentionLayer& layer);

// At least one. nullopt where a name is none of these.
std::optional<std::vector<AttentionLayer>> parseAttentionLayers(std::string_view text);

} // namespace kinora::pipelines
