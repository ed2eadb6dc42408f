#pragma once
// How weights of tokens change what a text encoder says of them.

#include <cstdint>
#include <span>

namespace kinora::pipelines {

// A1111's: each token's state times its weight, then all states times one number, so that their
// mean is what it was. states: rows of [length, width]; weights: one for each token of each row;
// times: how often each row counts for the mean.
void emphasizeKeepingMean(std::span<float> states, std::span<const float> weights,
                          std::span<const int64_t> times);

// ComfyUI's: a state moves away from what stands in its place in an empty prompt, weight 1 leaves
// it. empty: one row.
void emphasizeFromEmpty(std::span<float> states, std::span<const float> weights,
                        std::span<const float> empty);

} // namespace kinora::pipelines
