// Golden numbers: tests/golden/generate_models.py, diffusers' AutoencoderKL.

#include "pipelines/vae/autoencoder_kl.h"
#include "pipelines/weights/random_weights.h"
#include "tests/support/model_parts.h"

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include <string>
#include <utility>
#include <vector>

using namespace kinora;
using namespace kinora::pipelines;
using kernels::DType;
using kernels::Tensor;
using kinora::test::ModelParts;

namespace {

constexpr const char* kModels[] = {"tiny-sd1", "tiny-sd2v", "tiny-starter", "tiny-odd",
                                   "vae-normalised"};

void compare(const std::string& model, DType compute, double tolerance) {
    CAPTURE(model);
    ModelParts parts(model, "cpu", compute);
    const auto config = AutoencoderKlConfig::fromJson(parts.config("vae"));
    const AutoencoderKlDecoder decoder(config, parts.weights("vae"));
    const Tensor latents = parts.input("vae.latents");
    const Tensor picture = decoder(latents);
    CHECK(picture.dtype() == DType::F32);
    CHECK(picture.dim(1) == latents.dim(1) * config.factor());
    CHECK(picture.dim(3) == config.outChannels);
    CHECK(parts.error(picture, "vae.picture") < tolerance);
    CHECK(parts.weights("vae").unused().empty());
}

size_t peakBytes(const char* backend, DType compute) {
    const auto device = test::allBackends().open(backend, {.ordinal = 0, .threads = 2});
    const AutoencoderKlConfig config = AutoencoderKlConfig::fromJson(
        {{"block_out_channels", {32, 64, 64}},
         {"down_block_types", {"DownEncoderBlock2D", "DownEncoderBlock2D", "DownEncoderBlock2D"}},
         {"up_block_types", {"UpDecoderBlock2D", "UpDecoderBlock2D", "UpDecoderBlock2D"}}});
    const RandomWeights source;
    const AutoencoderKlDecoder decoder(config, Weights(source, *device, compute));
    const std::vector<float> zeros(32 * 32 * 4);
    const Tensor latents = device->fromHost(zeros.data(), {1, 32, 32, 4}, DType::F32);
    decoder(latents);
    device->arena().resetPeaks();
    decoder(latents);
    return device->arena().stats().peakUsedBytes;
}

} // namespace

TEST_CASE("pictures equal the reference's in f32") {
    for (const char* model : kModels) compare(model, DType::F32, 1e-5);
}

TEST_CASE("pictures are near the reference's in bf16") {
    if (!ModelParts("tiny-sd1", "cpu", DType::F32).device().supports(DType::BF16)) return;
    for (const char* model : kModels) compare(model, DType::BF16, 2e-2);
}

TEST_CASE("the plan foresees the arena's peak, the scratch of kernels included") {
    for (const DType compute : {DType::F32, DType::BF16}) {
        if (!ModelParts("tiny-sd1", "cpu", DType::F32).device().supports(compute)) continue;
        const size_t planned = peakBytes("meta", compute);
        CHECK(planned > 1'000'000);
        CHECK(planned == peakBytes("cpu", compute));
    }
}

TEST_CASE("the attention's old names are found") {
    // Files from before diffusers 0.17 say query, key, value and proj_attn.
    class OldNames final : public WeightSource {
      public:
        explicit OldNames(const WeightSource& source) : m_source(source) {}
        const std::string& label() const override { return m_source.label(); }
        std::optional<TensorInfo> find(std::string_view name,
                                       const kernels::Shape& shape) const override {
            if (name.find(".to_") != std::string_view::npos) return std::nullopt;
            return m_source.find(renewed(name), shape);
        }
        std::vector<std::string> names() const override { return {}; }
        int64_t totalBytes() const override { return 0; }
        void read(std::string_view name, int64_t first, std::span<float> values) const override {
            m_source.read(renewed(name), first, values);
        }

      private:
        static std::string renewed(std::string_view name) {
            std::string result(name);
            const std::pair<std::string_view, std::string_view> pairs[] = {
                {".query.", ".to_q."},
                {".key.", ".to_k."},
                {".value.", ".to_v."},
                {".proj_attn.", ".to_out.0."}};
            for (const auto& [old, renewed] : pairs)
                if (const size_t at = result.find(old); at != std::string::npos)
                    result.replace(at, old.size(), renewed);
            return result;
        }
        const WeightSource& m_source;
    };
    ModelParts parts("tiny-sd1", "cpu", DType::F32);
    const auto source = Model::open(test::goldenPath("tiny-sd1")).weights("vae");
    const OldNames old(*source);
    const AutoencoderKlDecoder decoder(AutoencoderKlConfig::fromJson(parts.config("vae")),
                                       Weights(old, parts.device(), DType::F32));
    CHECK(parts.error(decoder(parts.input("vae.latents")), "vae.picture") < 1e-5);
}
