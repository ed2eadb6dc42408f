#include "kernels/base/error.h"
#include "pipelines/image/background.h"

#include <doctest/doctest.h>

#include <array>
#include <vector>

using namespace kinora::pipelines;

TEST_CASE("a background is transparent, white or a colour") {
    CHECK_FALSE(parseBackground("transparent").has_value());
    CHECK(*parseBackground("white") == std::array<float, 3>{1, 1, 1});
    const auto grey = *parseBackground("#2f802f");
    CHECK(grey[0] == doctest::Approx(47.0 / 255));
    CHECK(grey[1] == doctest::Approx(128.0 / 255));
    for (const char* wrong : {"", "black", "#12345", "#1234567", "#12345g", "#-12345", "# 12345"})
        CHECK_THROWS_AS(parseBackground(wrong), kinora::Error);
}

TEST_CASE("un-compositing over white gives the colour back, and no halo over black") {
    const std::array<float, 3> color = {0.8f, 0.1f, 0.3f};
    for (const float alpha : {1.0f, 0.5f, 0.1f, 0.02f}) {
        std::vector<float> rgba;
        for (const float c : color) rgba.push_back(c * alpha + 1 - alpha);
        rgba.push_back(alpha);
        uncompositeOverWhite(rgba);
        for (size_t c = 0; c < 3; ++c) CHECK(rgba[c] == doctest::Approx(color[c]).epsilon(1e-4));
        std::vector<float> rgb(3);
        compositeOver(rgba, {0, 0, 0}, rgb);
        for (size_t c = 0; c < 3; ++c)
            CHECK(rgb[c] == doctest::Approx(color[c] * alpha).epsilon(1e-4));
    }
}

TEST_CASE("un-compositing stays in range where the model's colour and alpha disagree") {
    std::vector<float> rgba = {0.0f, 1.0f, 0.4f, 0.25f, 0.3f, 0.6f, 0.9f, 0.0f};
    uncompositeOverWhite(rgba);
    for (const float value : rgba) CHECK((value >= 0 && value <= 1));
    CHECK(rgba[4] == 1.0f); // invisible: white, the colour it was composited on
}
