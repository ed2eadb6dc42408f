#pragma once
// The numbers that a denoiser of the XL family is told besides the prompt. Source: Podell et al.
// 2023, section 2.2; order and defaults as diffusers' StableDiffusionXLPipeline.

#include "pipelines/request/image_request.h"

#include <vector>

namespace kinora::pipelines {

// How many numbers a denoiser takes: the base model sizes alone, the refiner a score too.
inline constexpr int64_t kSizeNumbers = 6;  // original size, crop, target size
inline constexpr int64_t kScoreNumbers = 5; // original size, crop, aesthetic score

enum class PromptSide { Negative, Positive };

// request: resolved. count: kSizeNumbers or kScoreNumbers. Heights before widths, tops before
// lefts, in pixels. The side matters to the refiner's score and crop.
std::vector<float> sizeCondition(const ImageRequest& request, int64_t count, PromptSide side);

} // namespace kinora::pipelines
