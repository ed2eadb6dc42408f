// Golden numbers: tests/golden/generate_models.py, transformers' CLIPTextModel.

#include "kernels/base/error.h"
#include "pipelines/text/clip_text_model.h"
#include "tests/support/model_parts.h"
#include "tests/support/thrown_error.h"

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include <string>
#include <vector>

using namespace kinora;
using namespace kinora::pipelines;
using kernels::DType;
using kernels::Tensor;
using kinora::test::ModelParts;
using kinora::test::thrownBy;
using nlohmann::json;

namespace {

constexpr const char* kModels[] = {"tiny-sd1", "tiny-sd2v", "tiny-starter", "tiny-odd"};

void compare(const std::string& model, DType compute, double tolerance) {
    CAPTURE(model);
    ModelParts parts(model, "cpu", compute);
    const ClipTextModel text(ClipTextConfig::fromJson(parts.config("text_encoder")),
                             parts.weights("text_encoder"));
    const std::vector<int32_t> ids = parts.golden().integers("text.ids");
    const int64_t length = parts.golden().shape("text.ids")[1];
    CHECK(parts.error(text(ids, length), "text.last") < tolerance);
    CHECK(parts.error(text(ids, length, 2), "text.skip2") < tolerance);
    CHECK(parts.weights("text_encoder").unused().empty());
}

} // namespace

TEST_CASE("hidden states equal the reference's in f32") {
    for (const char* model : kModels) compare(model, DType::F32, 1e-5);
}

TEST_CASE("hidden states are near the reference's in bf16") {
    if (!ModelParts("tiny-sd1", "cpu", DType::F32).device().supports(DType::BF16)) return;
    for (const char* model : kModels) compare(model, DType::BF16, 2e-2);
}

TEST_CASE("the projected state of the end token equals the reference's, and states without norm") {
    for (const char* model :
         {"tiny-xl", "tiny-xl-odd"}) { // one with the old end token, one without
        CAPTURE(model);
        ModelParts parts(model, "cpu", DType::F32);
        const ClipTextModel text(ClipTextConfig::fromJson(parts.config("text_encoder_2")),
                                 parts.weights("text_encoder_2"), TextPooling::Projected);
        const std::vector<int32_t> ids = parts.golden().integers("text.ids");
        const int64_t length = parts.golden().shape("text.ids")[1];
        const ClipTextResult result = text.encode(ids, length, {.skip = 2, .finalNorm = false});
        CHECK(parts.error(result.hidden, "text.before_last") < 1e-5);
        CHECK(parts.error(result.pooled, "text.pooled") < 1e-5);
        CHECK(parts.error(text.encode(ids, length, {}).pooled, "text.pooled") < 1e-5);
        CHECK(parts.weights("text_encoder_2").unused().empty());
    }
}

TEST_CASE("a row does not depend on what it is beside, nor on what comes after") {
    ModelParts parts("tiny-sd1", "cpu", DType::F32);
    const ClipTextModel text(ClipTextConfig::fromJson(parts.config("text_encoder")),
                             parts.weights("text_encoder"));
    const std::vector<int32_t> ids = parts.golden().integers("text.ids");
    const int64_t length = parts.golden().shape("text.ids")[1];
    const std::vector<float> both = parts.device().toHost<float>(text(ids, length));
    const std::vector<float> first = parts.device().toHost<float>(
        text(std::span(ids).first(static_cast<size_t>(length)), length));
    const std::vector<float> start = parts.device().toHost<float>(text(std::span(ids).first(5), 5));
    const std::vector<float> beginning(both.begin(),
                                       both.begin() + static_cast<long>(first.size()));
    CHECK(test::relativeError(first, beginning) < 1e-6);
    CHECK(test::relativeError(
              start, {first.begin(), first.begin() + static_cast<long>(start.size())}) < 1e-5);
}

TEST_CASE("keys with the text_model. prefix are found too") {
    // The reference writes them without; a source that adds the prefix stands for older files.
    class Prefixed final : public WeightSource {
      public:
        explicit Prefixed(const WeightSource& source) : m_source(source) {}
        const std::string& label() const override { return m_source.label(); }
        std::optional<TensorInfo> find(std::string_view name,
                                       const kernels::Shape& shape) const override {
            if (!name.starts_with("text_model.")) return std::nullopt;
            return m_source.find(name.substr(11), shape);
        }
        std::vector<std::string> names() const override {
            return {"text_model.embeddings.position_ids", "text_projection.weight"};
        }
        int64_t totalBytes() const override { return 0; }
        void read(std::string_view name, int64_t first, std::span<float> values) const override {
            m_source.read(name.substr(11), first, values);
        }

      private:
        const WeightSource& m_source;
    };
    ModelParts parts("tiny-sd1", "cpu", DType::F32);
    const auto plain = Model::open(test::goldenPath("tiny-sd1")).weights("text_encoder");
    const Prefixed source(*plain);
    const Weights weights(source, parts.device(), DType::F32);
    const ClipTextModel text(ClipTextConfig::fromJson(parts.config("text_encoder")), weights);
    const int64_t length = parts.golden().shape("text.ids")[1];
    CHECK(parts.error(text(parts.golden().integers("text.ids"), length), "text.last") < 1e-5);
    CHECK(weights.unused().empty());
}

TEST_CASE("tokens and layers out of range are refused") {
    ModelParts parts("tiny-sd1", "cpu", DType::F32);
    const ClipTextModel text(ClipTextConfig::fromJson(parts.config("text_encoder")),
                             parts.weights("text_encoder"));
    const std::vector<int32_t> ids(78, 1), bad = {1, 574, 2};
    CHECK(thrownBy([&] { text(ids, 78); }).starts_with("invalid-argument: "));
    CHECK(thrownBy([&] { text(ids, 0); }).starts_with("invalid-argument: "));
    CHECK(thrownBy([&] { text(ids, 5); }).starts_with("invalid-argument: "));
    // One more than there are layers is what goes into the first: a place knows nothing of others.
    const std::vector<int32_t> one = {1, 3}, other = {2, 3};
    const auto last = [&](const std::vector<int32_t>& tokens, int skip) {
        std::vector<float> states = parts.device().toHost<float>(text(tokens, 2, skip));
        return std::vector<float>(states.begin() + std::ssize(states) / 2, states.end());
    };
    CHECK(last(one, 4) == last(other, 4));
    CHECK(last(one, 3) != last(other, 3));
    CHECK(thrownBy([&] { text(ids, 2, 5); }).starts_with("invalid-argument: Clip skip 5"));
    CHECK(thrownBy([&] { text(ids, 2, 0); }).starts_with("invalid-argument: Clip skip 0"));
    CHECK(thrownBy([&] { text(bad, 3); }).starts_with("invalid-argument: "));
}

TEST_CASE("a config is refused with the key that is wrong") {
    const ModelParts parts("tiny-sd1", "cpu", DType::F32);
    const json good = parts.config("text_encoder");
    const std::pair<json, const char*> changes[] = {
        {{{"num_attention_heads", 3}},
         "bad-file: text_encoder/config.json: \"num_attention_heads\""},
        {{{"hidden_size", -16}}, "bad-file: text_encoder/config.json: \"hidden_size\""},
        {{{"num_hidden_layers", 1e9}}, "bad-file: text_encoder/config.json: \"num_hidden_layers\""},
        {{{"num_hidden_layers", 1000000000}}, "bad-file: text_encoder/config.json: \"num_hidden"},
        {{{"vocab_size", "many"}}, "bad-file: text_encoder/config.json: \"vocab_size\""},
        {{{"hidden_act", "prelu"}},
         "unsupported: text_encoder/config.json: \"hidden_act\": \"prelu\""},
        {{{"model_type", "t5"}}, "unsupported: text_encoder/config.json: \"model_type\""},
        {{{"layer_norm_eps", -1}}, "bad-file: text_encoder/config.json: \"layer_norm_eps\""},
        {{{"eos_token_id", 1000000}}, "bad-file: text_encoder/config.json: \"eos_token_id\""},
        {{{"rotary", true}}, "unsupported: text_encoder/config.json: \"rotary\" is not a key"},
    };
    for (const auto& [change, message] : changes) {
        json config = good;
        config.update(change);
        const std::string found = thrownBy([&] { ClipTextConfig::fromJson(config); });
        CAPTURE(found);
        CHECK(found.starts_with(message));
    }
}
