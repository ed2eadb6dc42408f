// Single weights with deltas merged in, against peft's layers and the published formulas: numbers
// from tests/golden/generate_loras.py.

#include "pipelines/weights/checkpoint_names.h"
#include "pipelines/weights/lora/lora_weights.h"
#include "pipelines/weights/model.h"
#include "pipelines/weights/safetensors.h"
#include "pipelines/weights/safetensors_writer.h"
#include "tests/support/golden_file.h"
#include "tests/support/temporary_folder.h"
#include "tests/support/thrown_error.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <set>
#include <string>
#include <vector>

using namespace kinora;
using namespace kinora::pipelines;
using kernels::Shape;
using test::thrownBy;

namespace {

std::unique_ptr<WeightSource> tinyUnet() {
    return Model::open(test::goldenPath("tiny-sd1")).weights("unet");
}

std::shared_ptr<const LoraFile> golden(const std::string& name) {
    return std::make_shared<const LoraFile>(test::goldenPath("loras/" + name + ".safetensors"));
}

LoraWeights with(std::shared_ptr<const LoraFile> file, float strength) {
    auto source = tinyUnet();
    const ModuleNames names = moduleNames(*source);
    return LoraWeights(std::move(source), "unet", {{std::move(file), strength, {}}}, names);
}

std::vector<float> valuesOf(const WeightSource& source, const std::string& name) {
    const auto info = source.find(name, {});
    REQUIRE(info.has_value());
    std::vector<float> values(static_cast<size_t>(info->shape.elements()));
    source.read(name, 0, values);
    return values;
}

// A file of one or more tensors, all ones.
std::shared_ptr<const LoraFile> written(const test::TemporaryFolder& folder,
                                        const std::vector<std::pair<std::string, Shape>>& tensors) {
    std::vector<std::vector<float>> values;
    std::vector<NamedValues> named;
    values.reserve(tensors.size());
    for (const auto& [name, shape] : tensors) {
        values.emplace_back(static_cast<size_t>(shape.elements()), 1.0f);
        named.push_back({name, shape, values.back()});
    }
    const auto path = folder.path() / "written.safetensors";
    writeSafetensors(path, named);
    return std::make_shared<const LoraFile>(path);
}

const std::string kModule = "lora_unet_mid_block_attentions_0_proj_in"; // 8 x 8
const std::string kTensor = "mid_block.attentions.0.proj_in";

// Each value of the tensor, less what it is without the LoRA.
std::vector<float> changesOf(const LoraWeights& weights, const std::string& tensor) {
    std::vector<float> changes = valuesOf(weights, tensor);
    const std::vector<float> before = valuesOf(*tinyUnet(), tensor);
    for (size_t i = 0; i < changes.size(); ++i) changes[i] -= before[i];
    return changes;
}

bool allNear(const std::vector<float>& values, float expected) {
    return !values.empty() && std::ranges::all_of(values, [&](float value) {
        return std::abs(value - expected) < 1e-5f;
    });
}

} // namespace

TEST_CASE("each kind of delta gives peft's weights or the published formula's") {
    const test::GoldenFile merged("loras/merged.safetensors");
    const std::set<std::string> byFormula{"lycoris", "glora", "glora-old", "oft"};
    std::set<std::string> kinds;
    for (const std::string& key : merged.names()) {
        const size_t slash = key.find('/');
        const std::string kind = key.substr(0, slash), tensor = key.substr(slash + 1);
        CAPTURE(key);
        kinds.insert(kind);
        const LoraWeights weights = with(golden(kind), byFormula.contains(kind) ? 0.75f : 1.0f);
        CHECK(weights.matches().front().surplus.empty());
        const std::vector<float> expected = merged.floats(key);
        CHECK(test::relativeError(valuesOf(weights, tensor), expected) < 2e-6);
        CHECK(test::relativeError(valuesOf(*tinyUnet(), tensor), expected) > 1e-2);
    }
    CHECK(kinds.size() == 10);
}

TEST_CASE("a weight is the same however it is cut into blocks") {
    const std::string block = "mid_block.attentions.0.transformer_blocks.0.attn1.";
    const std::pair<const char*, std::string> kCases[] = {
        {"locon", block + "to_q"},
        {"peft-dora", block + "to_q"},
        {"lycoris", block + "to_out.0"},
        {"glora", "mid_block.attentions.0.proj_in"},
        {"glora", "down_blocks.1.resnets.0.conv1"},
        {"oft", "down_blocks.1.resnets.0.conv1"}};
    for (const auto& [file, module] : kCases) {
        CAPTURE(file);
        const LoraWeights weights = with(golden(file), 0.5f);
        const std::string name = module + ".weight";
        const std::vector<float> whole = valuesOf(weights, name);
        std::vector<float> pieces;
        for (size_t first = 0; first < whole.size(); first += 7) {
            std::vector<float> piece(std::min<size_t>(7, whole.size() - first));
            weights.read(name, static_cast<int64_t>(first), piece);
            pieces.insert(pieces.end(), piece.begin(), piece.end());
        }
        CHECK((pieces == whole));
    }
}

TEST_CASE("a turn of rows comes after the changes of the files before it") {
    auto source = tinyUnet();
    const ModuleNames names = moduleNames(*source);
    const std::string tensor = "mid_block.attentions.0.proj_in.weight"; // turned in pairs of rows
    const LoraWeights both(std::move(source), "unet",
                           {{golden("glora"), 1.0f, {}}, {golden("oft"), 1.0f, {}}}, names);
    const std::vector<float> before = valuesOf(with(golden("glora"), 1), tensor),
                             after = valuesOf(both, tensor);
    CHECK(test::relativeError(after, before) > 1e-2);
    // A turn of two rows keeps the length of each pair of values: of those that GLoRA left.
    const auto lengths = [](const std::vector<float>& values) {
        constexpr size_t kColumns = 8;
        std::vector<float> squares;
        for (size_t i = 0; i < values.size(); ++i)
            if (i / kColumns % 2 == 0)
                squares.push_back(values[i] * values[i] +
                                  values[i + kColumns] * values[i + kColumns]);
        return squares;
    };
    CHECK(test::relativeError(lengths(after), lengths(before)) < 1e-5);
}

TEST_CASE("tensors without a change are read as they are") {
    const LoraWeights weights = with(golden("kohya"), 1);
    CHECK((valuesOf(weights, "conv_in.weight") == valuesOf(*tinyUnet(), "conv_in.weight")));
    CHECK((weights.names() == tinyUnet()->names()));
    CHECK(weights.totalBytes() == tinyUnet()->totalBytes());
}

TEST_CASE("names of the original layout find the same modules") {
    const test::TemporaryFolder folder;
    auto source = tinyUnet();
    const Model model = Model::open(test::goldenPath("tiny-sd1"));
    ModuleNames names = moduleNames(*source);
    CheckpointNames::unet(model.config("unet")).addStoredNames(names);
    CHECK(names.at("middle_block_1_proj_in") == "mid_block.attentions.0.proj_in");
    CHECK(names.at("input_blocks_1_1_transformer_blocks_0_attn1_to_q") ==
          "down_blocks.0.attentions.0.transformer_blocks.0.attn1.to_q");
    CHECK(names.at("output_blocks_2_1_conv") == "up_blocks.0.upsamplers.0.conv");
    CHECK(names.at("input_blocks_3_0_op") == "down_blocks.0.downsamplers.0.conv");
    CHECK(names.at("mid_block_attentions_0_proj_in") == "mid_block.attentions.0.proj_in");
}

TEST_CASE("what a LoRA lacks, and what has no place, is told") {
    const test::TemporaryFolder folder;
    const auto refusal = [&](const std::vector<std::pair<std::string, Shape>>& tensors) {
        return thrownBy([&] { with(written(folder, tensors), 1); });
    };
    const std::string up = kModule + ".lora_up.weight", down = kModule + ".lora_down.weight";
    CHECK(refusal({{up, {8, 2}}}).find("incomplete") != std::string::npos);
    CHECK(refusal({{up, {8, 2}}}).find("mid_block_attentions_0_proj_in") != std::string::npos);
    CHECK(refusal({{up, {8, 2}}, {down, {3, 8}}}).find("incomplete") != std::string::npos);
    CHECK(refusal({{up, {8, 2}},
                   {"lora_te_b.lora_up.weight", {8, 2}},
                   {"lora_unet_c.lora_down.weight", {2, 8}},
                   {"lora_unet_d.diff", {8, 8}}})
              .find("and so for 2 more of its 4 modules") != std::string::npos);
    const std::string other = refusal({{up, {8, 2}}, {down, {2, 16}}});
    CHECK(other.find("another kind of model") != std::string::npos);
    CHECK(other.find("8 x 16") != std::string::npos);
    CHECK(other.find("8 x 8") != std::string::npos);
    const LoraWeights weights =
        with(written(folder, {{up, {8, 2}},
                              {down, {2, 8}},
                              {"lora_unet_nowhere.lora_up.weight", {8, 1}},
                              {"lora_unet_nowhere.lora_down.weight", {1, 8}}}),
             1);
    CHECK(weights.matches().front().modules == 1);
    CHECK((weights.matches().front().surplus ==
           std::vector<std::string>{"lora_unet_nowhere.lora_down.weight"}));
}

TEST_CASE("a bias has its own difference, beside any kind of delta of the weight") {
    const test::TemporaryFolder folder;
    struct Kind {
        std::vector<std::pair<std::string, Shape>> tensors;
        float change; // of each weight; all parts are ones
    };
    const Kind kinds[] = {
        {{{".lora_up.weight", {8, 2}}, {".lora_down.weight", {2, 8}}}, 2},
        {{{".hada_w1_a", {8, 2}},
          {".hada_w1_b", {2, 8}},
          {".hada_w2_a", {8, 2}},
          {".hada_w2_b", {2, 8}}},
         4},
        {{{".lokr_w1", {2, 2}}, {".lokr_w2", {4, 4}}}, 1},
        {{{".diff", {8, 8}}}, 1},
        {{}, 0},
    };
    for (const Kind& kind : kinds) {
        CAPTURE(kind.change);
        std::vector<std::pair<std::string, Shape>> tensors{{kModule + ".diff_b", {8}}};
        for (const auto& [name, shape] : kind.tensors) tensors.emplace_back(kModule + name, shape);
        const LoraWeights weights = with(written(folder, tensors), 0.5f);
        CHECK(allNear(changesOf(weights, kTensor + ".weight"), 0.5f * kind.change));
        CHECK(allNear(changesOf(weights, kTensor + ".bias"), 0.5f));
        CHECK(weights.matches().front().modules == 1);
    }
    const auto half = [&] {
        with(written(folder, {{kModule + ".diff_b", {8}}, {kModule + ".lora_up.weight", {8, 2}}}),
             1);
    };
    CHECK(thrownBy(half).find("incomplete") != std::string::npos);
    const auto wrong = [&] { with(written(folder, {{kModule + ".diff_b", {4}}}), 1); };
    CHECK(thrownBy(wrong).find("4 x 1") != std::string::npos);
}

TEST_CASE("parts without numbers are refused") {
    const test::TemporaryFolder folder;
    const std::vector<std::vector<std::pair<std::string, Shape>>> files = {
        {{".lora_up.weight", {8, 2}},
         {".lora_down.weight", {2, 8}},
         {".lora_mid.weight", {2, 2, 0, 1}}},
        {{".diff_b", {0}}},
        {{".diff_b", {0}}, {".diff", {8, 8}}},
        {{".lokr_w1", {2, 2}}, {".lokr_w2_a", {0, 2}}, {".lokr_w2_b", {2, 4}}},
    };
    for (const auto& file : files) {
        std::vector<std::pair<std::string, Shape>> tensors;
        for (const auto& [name, shape] : file) tensors.emplace_back(kModule + name, shape);
        CHECK(thrownBy([&] { with(written(folder, tensors), 1); }).find("is empty") !=
              std::string::npos);
    }
}
