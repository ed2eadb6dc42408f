#include "pipelines/image/size_condition.h"

namespace kinora::pipelines {

namespace {

constexpr double kAestheticScore = 6.0;
constexpr double kNegativeAestheticScore = 2.5;

} // namespace

std::vector<float> sizeCondition(const ImageRequest& request, int64_t count, PromptSide side) {
    const int64_t width = *request.width, height = *request.height;
    // The reference tells the refiner's negative side of no crop, the base model's of the same.
    const bool cropped = side == PromptSide::Positive || count == kSizeNumbers;
    std::vector<float> numbers = {static_cast<float>(request.originalHeight.value_or(height)),
                                  static_cast<float>(request.originalWidth.value_or(width)),
                                  static_cast<float>(cropped ? request.cropTop.value_or(0) : 0),
                                  static_cast<float>(cropped ? request.cropLeft.value_or(0) : 0)};
    if (count == kSizeNumbers) {
        numbers.push_back(static_cast<float>(request.targetHeight.value_or(height)));
        numbers.push_back(static_cast<float>(request.targetWidth.value_or(width)));
    } else {
        numbers.push_back(static_cast<float>(
            side == PromptSide::Positive
                ? request.aestheticScore.value_or(kAestheticScore)
                : request.negativeAestheticScore.value_or(kNegativeAestheticScore)));
    }
    return numbers;
}

} // namespace kinora::pipelines
