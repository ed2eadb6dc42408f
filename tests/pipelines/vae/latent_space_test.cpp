#include "pipelines/vae/latent_space.h"
#include "tests/pipelines/vae/vae_of.h"

#include <doctest/doctest.h>

using namespace kinora::pipelines;

using kinora::test::vaeOf;

TEST_CASE("the common families' latents are known by channels and scaling factor") {
    CHECK((latentSpaceOf(vaeOf(4, 0.18215f)) == LatentSpace::StableDiffusion));
    CHECK((latentSpaceOf(vaeOf(4, 0.13025f)) == LatentSpace::StableDiffusionXl));
    CHECK_FALSE(latentSpaceOf(vaeOf(16, 0.18215f)));
    CHECK_FALSE(latentSpaceOf(vaeOf(4, 1.0f)));
    CHECK_FALSE(latentSpaceOf(vaeOf(4, 0.1822f)));
    VaeConfig normalised = vaeOf(4, 0.13025f);
    normalised.latentMeans = normalised.latentDeviations = {1, 1, 1, 1};
    CHECK_FALSE(latentSpaceOf(normalised));
    CHECK(latentSpaceName(LatentSpace::StableDiffusionXl) == doctest::String("SDXL"));
}
