#include "pipelines/weights/safetensors_writer.h"
#include "pipelines/weights/scaled_weights.h"
#include "pipelines/weights/weight_file.h"
#include "tests/support/temporary_folder.h"
#include "tests/support/thrown_error.h"

#include <doctest/doctest.h>

#include <cmath>
#include <string>
#include <vector>

using namespace kinora;
using namespace kinora::pipelines;

namespace {

std::unique_ptr<WeightSource> written(const test::TemporaryFolder& folder,
                                      const std::vector<float>& scale) {
    const std::vector<float> values = {1, 2, 3, 4}, one = {1};
    const auto path = folder.path() / "scaled.safetensors";
    const auto count = static_cast<int64_t>(scale.size());
    writeSafetensors(path, std::vector<NamedValues>{{"a.weight", {4}, values},
                                                    {"a.scale_weight", {count}, scale},
                                                    {"a.scale_input", {1}, one},
                                                    {"b.weight", {4}, values},
                                                    {"scaled_fp8", {1}, one}});
    return openWeightFile(path, "scaled.safetensors");
}

} // namespace

TEST_CASE("a weight with a scale is multiplied with it, any other one is not") {
    const test::TemporaryFolder folder;
    const auto source = written(folder, {0.5f});
    CHECK((source->names() == std::vector<std::string>{"a.weight", "b.weight"}));
    std::vector<float> values(2);
    source->read("a.weight", 1, values);
    CHECK((values == std::vector<float>{1, 1.5f}));
    source->read("b.weight", 1, values);
    CHECK((values == std::vector<float>{2, 3}));
}

TEST_CASE("scales have another name in newer files") {
    const test::TemporaryFolder folder;
    const std::vector<float> values = {1, 2, 3, 4}, one = {1}, half = {0.5f};
    const auto path = folder.path() / "newer.safetensors";
    writeSafetensors(path, std::vector<NamedValues>{{"a.weight", {4}, values},
                                                    {"a.weight_scale", {1}, half},
                                                    {"a.input_scale", {1}, one},
                                                    {"a.comfy_quant", {4}, values}});
    const auto source = openWeightFile(path, "newer.safetensors");
    CHECK((source->names() == std::vector<std::string>{"a.weight"}));
    std::vector<float> found(4);
    source->read("a.weight", 0, found);
    CHECK((found == std::vector<float>{0.5f, 1, 1.5f, 2}));
}

TEST_CASE("eight bits without a scale are what they are") {
    const test::TemporaryFolder folder;
    const std::string header =
        R"({"a.weight":{"dtype":"F8_E4M3","shape":[3],"data_offsets":[0,3]}})";
    const uint64_t size = header.size();
    const std::string bytes = std::string(reinterpret_cast<const char*>(&size), sizeof size) +
                              header + "\x38\xc0\x7e"; // 1, -2 and the largest one
    const auto source = openWeightFile(folder.write("cast.safetensors", bytes), "cast.safetensors");
    std::vector<float> found(3);
    source->read("a.weight", 0, found);
    CHECK((found == std::vector<float>{1, -2, 448}));
}

TEST_CASE("a scale that is not one number is refused") {
    const test::TemporaryFolder folder;
    CHECK(test::contains(test::thrownBy([&] { written(folder, {1, 2}); }), "\"a.scale_weight\""));
    CHECK(test::contains(test::thrownBy([&] { written(folder, {INFINITY}); }), "not one number"));
}
