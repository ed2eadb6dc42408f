#include "kernels/backend/registry.h"
#include "kernels/base/error.h"
#include "kernels/meta/meta_backend.h"
#include "kernels/tensor/tensor.h"

#include <doctest/doctest.h>

using namespace kinora;
using namespace kinora::kernels;

TEST_CASE("no tensor is not defined") {
    const Tensor none;
    CHECK_FALSE(none.defined());
    CHECK_FALSE(static_cast<bool>(none));
}

TEST_CASE("views share the storage and keep it alive") {
    Device device(metaBackend(), {.threads = 1});
    Tensor view;
    {
        const Tensor tensor = device.empty({4, 3, 5}, DType::F16);
        CHECK(tensor.sizeBytes() == 120);
        CHECK(&tensor.device() == &device);
        view = tensor.slice(1, 3);
        CHECK((view.shape() == Shape{2, 3, 5}));
        CHECK(static_cast<char*>(view.data()) - static_cast<char*>(tensor.data()) == 30);
        CHECK(tensor.reshape({12, 5}).data() == tensor.data());
        CHECK(view.slice(1, 1).elements() == 0);
    }
    CHECK(device.arena().stats().usedBytes == 128);
    view = {};
    CHECK(device.arena().stats().usedBytes == 0);
}

TEST_CASE("views that do not fit are refused") {
    Device device(metaBackend(), {.threads = 1});
    const Tensor tensor = device.empty({4, 3}, DType::F32);
    CHECK_THROWS_AS((void)tensor.reshape({5, 3}), Error);
    CHECK_THROWS_AS((void)tensor.slice(-1, 2), Error);
    CHECK_THROWS_AS((void)tensor.slice(2, 1), Error);
    CHECK_THROWS_AS((void)tensor.slice(0, 5), Error);
    CHECK_THROWS_AS((void)device.empty({}, DType::F32).slice(0, 1), Error);
    CHECK((device.empty({0, 3}, DType::F32).slice(0, 0).shape() == Shape{0, 3}));
}
