#include "kernels/ops/conv.h"
#include "kernels/ops/elementwise.h"
#include "kernels/ops/embedding.h"
#include "kernels/ops/layout.h"
#include "kernels/ops/norm.h"
#include "kernels/ops/op_call.h"
#include "kernels/ops/reduce.h"
#include "tests/kernels/ops/refusal.h"

using namespace kinora;
using namespace kinora::kernels;
using namespace kinora::test;

TEST_CASE("a refusal names the op, the rule and every operand") {
    MetaDevice meta;
    const Tensor a = meta.f32({2, 3}), b = meta.bf16({4}), none;
    const OpCall call("frobnicate",
                      {{"left", a}, {"right", b}, {"mask", none, Presence::Optional}});
    checkRefused(
        [&] {
            call.require(false, "no such thing");
            return 0;
        },
        "frobnicate", "no such thing (left [2, 3] f32, right [4] bf16, mask undefined).");
    CHECK(call.traffic(a) == 24 + 24 + 8);
}

TEST_CASE("undefined operands and those of two devices are refused") {
    MetaDevice meta, other;
    const Tensor none;
    checkRefused([&] { return activate(none, Activation::Silu); }, "activate", "undefined");
    checkRefused([&] { return add(meta.f32({2}), none); }, "add", "b is undefined");
    checkRefused([&] { return add(meta.f32({2}), other.f32({2})); }, "add", "different devices");
    checkRefused([&] { return concat(std::initializer_list<Tensor>{}); }, "concat", "no operand");
    checkRefused([&] { return groupNorm(meta.f32({1, 4}), other.f32({4}), {}, 2, 1e-5f); },
                 "groupNorm", "different devices");
}

TEST_CASE("what is no compute dtype is refused") {
    MetaDevice meta;
    const Tensor x = meta.device.empty({2, 4}, DType::I32);
    checkRefused([&] { return activate(x, Activation::Relu); }, "activate", "[2, 4] i32");
    checkRefused([&] { return layerNorm(x, {}, {}, 1e-5f); }, "layerNorm", "f32, bf16 and f16");
    checkRefused([&] { return softmax(x); }, "softmax", "f32, bf16 and f16");
    checkRefused([&] { return allFinite(x); }, "allFinite", "f32, bf16 and f16");
}

TEST_CASE("a cancelled device computes nothing more") {
    MetaDevice meta;
    const Tensor x = meta.f32({1, 8, 8, 4});
    CancelToken token;
    meta.device.setCancelToken(token);
    CHECK_NOTHROW(activate(x, Activation::Silu));
    token.cancel();
    meta.device.startRecording();
    const size_t used = meta.device.arena().stats().usedBytes;
    CHECK_THROWS_AS(activate(x, Activation::Silu), Cancelled);
    CHECK_THROWS_AS(groupNorm(x, {}, {}, 2, 1e-5f), Cancelled);
    CHECK_THROWS_AS(concat({x, x}), Cancelled);
    CHECK_THROWS_AS(convert(x, DType::BF16), Cancelled);
    CHECK_THROWS_AS((void)allFinite(x), Cancelled);
    CHECK(meta.device.stopRecording().empty());
    CHECK(meta.device.arena().stats().usedBytes == used);
}

TEST_CASE("a failing back end is an error that names the op") {
    BackendTable table = metaBackend();
    table.activate = [](Context*, const ActivationArgs*) { return Status::OutOfMemory; };
    table.clamp = [](Context*, const ClampArgs*) { return Status::Unsupported; };
    Device device(table, {.threads = 1});
    const Tensor x = device.empty({4}, DType::F32);
    device.startRecording();
    try {
        activate(x, Activation::Silu);
        FAIL("nothing was thrown");
    } catch (const Error& error) {
        CHECK(error.code() == ErrorCode::OutOfMemory);
        CHECK(error.message().find("activate") != std::string::npos);
    }
    CHECK_THROWS_AS(clamp(x, 0, 1), Error);
    CHECK(device.stopRecording().empty());
}
