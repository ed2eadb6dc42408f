#include "kernels/backend/registry.h"
#include "kernels/meta/meta_backend.h"
#include "pipelines/weights/weights.h"
#include "tests/support/host_backend.h"
#include "tests/support/thrown_error.h"

#include <doctest/doctest.h>

#include <map>
#include <string>
#include <vector>

using namespace kinora;
using namespace kinora::pipelines;
using kernels::DType;
using kernels::Shape;
using kinora::test::thrownBy;

namespace {

// Tensors of which element i is i; counts what is read.
class CountingSource final : public WeightSource {
  public:
    std::map<std::string, Shape, std::less<>> tensors;
    DType dtype = DType::BF16;
    mutable int64_t elementsRead = 0, largestRead = 0;

    const std::string& label() const override { return m_label; }
    std::optional<TensorInfo> find(std::string_view name, const Shape&) const override {
        const auto found = tensors.find(name);
        if (found == tensors.end()) return std::nullopt;
        return TensorInfo{found->first, dtype, found->second};
    }
    std::vector<std::string> names() const override {
        std::vector<std::string> names;
        for (const auto& [name, shape] : tensors) names.push_back(name);
        return names;
    }
    int64_t totalBytes() const override { return 0; }
    void read(std::string_view, int64_t first, std::span<float> values) const override {
        const auto count = static_cast<int64_t>(values.size());
        for (int64_t i = 0; i < count; ++i)
            values[static_cast<size_t>(i)] = static_cast<float>(first + i);
        elementsRead += count;
        largestRead = std::max(largestRead, count);
    }

  private:
    std::string m_label = "unet/w.safetensors";
};

struct OpenDevice {
    kernels::BackendRegistry backends;
    std::unique_ptr<kernels::Device> device;
    explicit OpenDevice(const kernels::BackendTable& table) {
        backends.add(table);
        device = backends.open(table.name);
    }
};

} // namespace

TEST_CASE("tensors arrive whole, in blocks, below their prefix") {
    OpenDevice host(test::hostBackend());
    CountingSource source;
    source.tensors = {
        {"a.0.norm.weight", {700'000}}, {"a.0.norm.bias", {700'000}}, {"a.table", {3, 2}}};
    std::vector<int64_t> progress;
    const Weights weights(source, *host.device, DType::BF16,
                          [&](int64_t bytes) { progress.push_back(bytes); });
    const NormWeights norm = (weights / "a" / "0").norm("norm", 700'000);
    CHECK(norm.scale.dtype() == DType::F32);
    CHECK(norm.scale.span<float>()[699'999] == 699'999);
    CHECK(norm.shift.span<float>()[300'000] == 300'000);
    CHECK(source.largestRead <= (1 << 20));
    CHECK(source.largestRead < 700'000);
    const kernels::Tensor table = (weights / "a").table("table", 3, 2);
    CHECK(table.dtype() == DType::BF16);
    CHECK(kernels::bf16ToFloat(table.span<uint16_t>()[5]) == 5);
    CHECK((weights / "a").matrix("table", 3, 2).dtype() == DType::F32);
    CHECK((weights / "a").in(DType::F32).table("table", 3, 2).dtype() == DType::F32);
    CHECK(progress.front() == 1'400'000); // as stored: two bytes each
    CHECK(progress.back() == 2'800'036);
}

TEST_CASE("a missing and a mis-shaped tensor are named with both shapes") {
    OpenDevice host(test::hostBackend());
    CountingSource source;
    source.tensors = {{"a.w", {3, 2}}};
    const Weights weights(source, *host.device, DType::F32);
    CHECK(thrownBy([&] { (weights / "a").vector("w", 6); }) ==
          "bad-file: unet/w.safetensors: tensor \"a.w\" has the shape [3, 2]; the config implies "
          "[6].");
    CHECK(thrownBy([&] { weights.vector("v", 6); }) ==
          "bad-file: unet/w.safetensors: tensor \"v\" is missing; the config implies [6].");
}

TEST_CASE("tensors that nobody asked for are listed, but for the ignored") {
    OpenDevice host(test::hostBackend());
    CountingSource source;
    source.tensors = {{"a.w", {2}}, {"a.x", {2}}, {"encoder.b", {2}}, {"z", {2}}};
    const Weights weights(source, *host.device, DType::F32);
    (weights / "a").vector("w", 2);
    weights.ignore("encoder.");
    CHECK(weights.unused() == std::vector<std::string>{"a.x", "z"});
    CHECK((weights / "a").has("x"));
    CHECK_FALSE(weights.has("x"));
}

TEST_CASE("on the meta back end shapes are checked and nothing is read") {
    OpenDevice meta(kernels::metaBackend());
    CountingSource source;
    source.tensors = {{"l.weight", {8, 4}}, {"l.bias", {8}}, {"c.weight", {8, 4, 3, 3}}};
    const Weights weights(source, *meta.device, DType::BF16);
    const LinearWeights linear = weights.linear("l", 8, 4, Bias::Optional);
    CHECK((linear.weight.shape() == Shape{8, 4}));
    CHECK(linear.weight.dtype() == DType::BF16);
    CHECK(linear.bias.defined());
    CHECK_FALSE(weights.linear("l", 8, 4, Bias::No).bias.defined());
    CHECK((weights.convolution("c", 8, 4, 3).shape() == Shape{8, 4, 3, 3}));
    CHECK(thrownBy([&] { weights.convolution("c", 8, 4, 1); }).starts_with("bad-file: "));
    CHECK(source.elementsRead == 0);
}

TEST_CASE("cancelling ends the loading between tensors") {
    OpenDevice host(test::hostBackend());
    CountingSource source;
    source.tensors = {{"w", {2}}};
    CancelToken token;
    host.device->setCancelToken(token);
    const Weights weights(source, *host.device, DType::F32);
    weights.vector("w", 2);
    token.cancel();
    CHECK_THROWS_AS(weights.vector("w", 2), Cancelled);
}

TEST_CASE("integers are no weights, and the headers alone show it") {
    OpenDevice open(kernels::metaBackend());
    CountingSource source;
    source.tensors = {{"a.weight", {2, 3}}};
    for (const DType dtype :
         {DType::I64, DType::I32, DType::I16, DType::I8, DType::U8, DType::Bool}) {
        source.dtype = dtype;
        const Weights weights(source, *open.device, DType::F32);
        CHECK(thrownBy([&] { weights.linear("a", 2, 3, Bias::No); }) ==
              "unsupported: unet/w.safetensors: tensor \"a.weight\" holds " +
                  std::string(kernels::dtypeName(dtype)) +
                  "; weights in floating point (f32, f16, bf16) are expected.");
    }
    for (const DType dtype : {DType::F32, DType::F16, DType::F64, DType::F8E4M3, DType::F8E5M2}) {
        source.dtype = dtype;
        const Weights weights(source, *open.device, DType::F32);
        CHECK_NOTHROW(weights.linear("a", 2, 3, Bias::No));
    }
}
