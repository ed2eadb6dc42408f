#pragma once
// What the tests of the ops share: a device without numbers, and seeing an op refuse its operands.

#include "kernels/backend/device.h"
#include "kernels/base/error.h"
#include "kernels/meta/meta_backend.h"

#include <doctest/doctest.h>

#include <string>

namespace kinora::test {

struct MetaDevice {
    kernels::Device device{kernels::metaBackend(), {.threads = 1}};

    kernels::Tensor f32(const kernels::Shape& shape) {
        return device.empty(shape, kernels::DType::F32);
    }
    kernels::Tensor bf16(const kernels::Shape& shape) {
        return device.empty(shape, kernels::DType::BF16);
    }
};

// call() throws Error{Internal} whose message contains both.
template <class Call>
void checkRefused(const Call& call, const std::string& operation, const std::string& reason) {
    try {
        (void)call();
    } catch (const Error& error) {
        CHECK(error.code() == ErrorCode::Internal);
        CHECK_MESSAGE(error.message().starts_with(operation + ": "), error.message());
        CHECK_MESSAGE(error.message().find(reason) != std::string::npos, error.message());
        return;
    }
    FAIL_CHECK(operation << " took it; expected: " << reason);
}

// What a single op recorded.
template <class Call> kernels::WorkRecord workOf(kernels::Device& device, const Call& call) {
    device.startRecording();
    (void)call();
    const auto work = device.stopRecording();
    REQUIRE(work.size() == 1);
    return work[0];
}

} // namespace kinora::test
