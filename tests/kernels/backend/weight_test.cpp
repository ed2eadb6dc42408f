#include "kernels/backend/weight.h"
#include "kernels/meta/meta_backend.h"

#include <doctest/doctest.h>

#include <utility>

using namespace kinora::kernels;

TEST_CASE("a weight is counted while it lives, wherever it moves") {
    Device device(metaBackend(), {.threads = 1});
    CHECK_FALSE(Weight().defined());
    CHECK(Weight().sizeBytes() == 0);
    {
        Weight a = Weight::pack(WeightKind::Linear, device.empty({3, 5}, DType::F32));
        CHECK(a.sizeBytes() >= 60);
        CHECK(device.weightBytes() == a.sizeBytes());
        CHECK((a.shape() == Shape{3, 5}));
        CHECK(a.kind() == WeightKind::Linear);
        Weight b = std::move(a);
        CHECK(device.weightBytes() == b.sizeBytes());
        Weight c = Weight::pack(WeightKind::Conv2d, device.empty({7, 5, 3, 3}, DType::BF16), 2);
        CHECK(c.dtype() == DType::BF16);
        c = std::move(b); // the convolution's goes
        CHECK(device.weightBytes() == c.sizeBytes());
    }
    CHECK(device.weightBytes() == 0);
    CHECK(device.arena().stats().usedBytes == 0); // the plain tensors are not kept
}
