#include "pipelines/vae/latent_preview.h"
#include "tests/pipelines/vae/vae_of.h"
#include "tests/support/model_parts.h"

#include <doctest/doctest.h>

#include <vector>

using namespace kinora;
using namespace kinora::pipelines;
using kernels::DType;
using kernels::Shape;
using kernels::Tensor;

using kinora::test::vaeOf;

TEST_CASE("a latent space is known by its channels and its scaling factor") {
    CHECK(knownPreviewFactors(vaeOf(4, 0.18215f)).factors.size() == 4);
    CHECK(knownPreviewFactors(vaeOf(4, 0.13025f)).factors.size() == 4);
    CHECK(knownPreviewFactors(vaeOf(4, 0.18215f)).factors !=
          knownPreviewFactors(vaeOf(4, 0.13025f)).factors);
    CHECK(knownPreviewFactors(vaeOf(16, 0.18215f)).empty());
    CHECK(knownPreviewFactors(vaeOf(4, 1.0f)).empty());
}

TEST_CASE("a preview is the latents through the factors, in 0 to 1") {
    test::ModelParts parts("tiny-sd1", "cpu", DType::F32);
    const PreviewFactors factors{{{1, 0, 0.5f}, {0, -1, 0.5f}}, {0, 0.5f, 0}};
    const std::vector<float> latents = {0.5f, 0.25f, 9.0f, -9.0f};
    const Tensor picture = MatrixPreview(factors)(
        parts.device().fromHost(latents.data(), Shape{1, 1, 2, 2}, DType::F32));
    CHECK((picture.shape() == Shape{1, 2, 3}));
    const std::vector<float> rgb = parts.device().toHost<float>(picture);
    CHECK(rgb[0] == doctest::Approx(0.75));              // 0.5 / 2 + 0.5
    CHECK(rgb[1] == doctest::Approx(0.625));             // (0.5 - 0.25) / 2 + 0.5
    CHECK(rgb[2] == doctest::Approx(0.6875));            // (0.25 + 0.125) / 2 + 0.5
    CHECK(rgb[3] == 1.0f);                               // clipped
    CHECK(rgb[5] == doctest::Approx(0.5).epsilon(1e-6)); // 9 and -9 cancel
}
