#include "kernels/backend/registry.h"
#include "kernels/base/error.h"
#include "kernels/meta/meta_backend.h"
#include "pipelines/noise/noise_generator.h"
#include "tests/support/host_backend.h"

#include <doctest/doctest.h>

#include <vector>

using namespace kinora::pipelines;
using kinora::kernels::Device;
using kinora::kernels::Shape;

TEST_CASE("an unknown generator is refused by name") {
    CHECK_THROWS_WITH_AS(makeNoiseGenerator("mt", 1), doctest::Contains("'mt'"), kinora::Error);
    CHECK(makeNoiseGenerator("torch-cpu", 1));
    CHECK(makeNoiseGenerator("philox", 1));
}

TEST_CASE("picture i is drawn from seed + i, in NCHW order, whatever the batch") {
    Device device(kinora::test::hostBackend(), {});
    for (const char* name : {"torch-cpu", "philox"}) {
        CAPTURE(name);
        BatchNoise batch(name, 10, 3);
        for (int draw = 0; draw < 2; ++draw) {
            const auto all = device.toHost<float>(batch.draw(device, 4, 5, 3));
            REQUIRE(all.size() == 3 * 4 * 5 * 3);
            for (uint64_t picture = 0; picture < 3; ++picture) {
                auto generator = makeNoiseGenerator(name, 10 + picture);
                std::vector<float> planes(4 * 5 * 3); // channel, row, column
                for (int i = 0; i <= draw; ++i) generator->normal(planes);
                for (size_t position = 0; position < 20; ++position)
                    for (size_t channel = 0; channel < 3; ++channel)
                        CHECK(all[(picture * 20 + position) * 3 + channel] ==
                              planes[channel * 20 + position]);
            }
        }
    }
}

TEST_CASE("on the meta back end a draw has a shape and no numbers") {
    Device device(kinora::kernels::metaBackend(), {});
    const auto drawn = BatchNoise("torch-cpu", 0, 2).draw(device, 1024, 1024, 4);
    CHECK((drawn.shape() == Shape{2, 1024, 1024, 4}));
}
