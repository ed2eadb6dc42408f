#include "pipelines/image/size_condition.h"

#include <doctest/doctest.h>

#include <vector>

using namespace kinora::pipelines;
using Numbers = std::vector<float>;

TEST_CASE("unsaid sizes are the picture's own, heights first") {
    ImageRequest request;
    request.width = 40;
    request.height = 56;
    const Numbers expected = {56, 40, 0, 0, 56, 40};
    CHECK(sizeCondition(request, kSizeNumbers, PromptSide::Positive) == expected);
    CHECK(sizeCondition(request, kSizeNumbers, PromptSide::Negative) == expected);
    CHECK(sizeCondition(request, kScoreNumbers, PromptSide::Positive) == Numbers{56, 40, 0, 0, 6});
    CHECK(sizeCondition(request, kScoreNumbers, PromptSide::Negative) ==
          Numbers{56, 40, 0, 0, 2.5f});
}

TEST_CASE("said sizes, crop and scores are told") {
    ImageRequest request;
    request.width = request.height = 64;
    request.originalWidth = 1;
    request.originalHeight = 2;
    request.cropLeft = 3;
    request.cropTop = 4;
    request.targetWidth = 5;
    request.targetHeight = 6;
    request.aestheticScore = 7;
    request.negativeAestheticScore = 8;
    CHECK(sizeCondition(request, kSizeNumbers, PromptSide::Positive) == Numbers{2, 1, 4, 3, 6, 5});
    CHECK(sizeCondition(request, kScoreNumbers, PromptSide::Positive) == Numbers{2, 1, 4, 3, 7});
    CHECK(sizeCondition(request, kScoreNumbers, PromptSide::Negative) == Numbers{2, 1, 0, 0, 8});
}
