#include "pipelines/weights/model_extras.h"
#include "tests/support/thrown_error.h"

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include <string>

using namespace kinora::pipelines;
using kinora::test::contains;
using kinora::test::thrownBy;
using nlohmann::json;

TEST_CASE("kinora.json is read whole") {
    const ModelExtras extras =
        parseModelExtras(json::parse(R"({"version": 1, "name": "Kinora starter",
            "defaults": {"width": 128, "sampler": "ddim", "cfg": 5.0}, "alpha": "over-white",
            "previewFactors": [[0.5, -1, 0], [1, 2, 3]], "previewBias": [0.25, 0, 1]})"),
                         2, "kinora.json");
    CHECK(extras.name == "Kinora starter");
    CHECK(extras.defaults["width"] == 128);
    CHECK(extras.alpha == AlphaMeaning::OverWhite);
    REQUIRE(extras.previewFactors.size() == 2);
    CHECK(extras.previewFactors[0][1] == -1);
    CHECK(extras.previewFactors[1][2] == 3);
    CHECK(extras.previewBias[0] == 0.25f);
}

TEST_CASE("an empty kinora.json says nothing") {
    const ModelExtras extras = parseModelExtras(json::object(), 4, "kinora.json");
    CHECK(extras.name.empty());
    CHECK(extras.alpha == AlphaMeaning::None);
    CHECK(extras.previewFactors.empty());
    CHECK(extras.defaults.is_object());
}

TEST_CASE("a wrong field of kinora.json is named") {
    const std::pair<const char*, const char*> texts[] = {
        {R"({"version": 2})", "unsupported: kinora.json: \"version\""},
        {R"({"version": "1"})", "bad-file: kinora.json: \"version\""},
        {R"({"name": 3})", "bad-file: kinora.json: \"name\""},
        {R"({"name": "a\nb"})", "bad-file: kinora.json: \"name\""},
        {R"({"defaults": []})", "bad-file: kinora.json: \"defaults\""},
        {R"({"defaults": {"width": [128]}})", "bad-file: kinora.json: \"defaults\""},
        {R"({"defaults": {"width": 100000000}})", "bad-file: kinora.json: \"defaults\""},
        {R"({"defaults": {"wdth": 128}})", "bad-file: kinora.json: \"defaults\""},
        {R"({"alpha": true})", "bad-file: kinora.json: \"alpha\""},
        {R"({"alpha": "over-black"})", "unsupported: kinora.json: \"alpha\""},
        {R"({"previewFactors": [[1,2,3]]})", "bad-file: kinora.json: \"previewFactors\""},
        {R"({"previewFactors": [[1,2,3],[1,2]]})", "bad-file: kinora.json: \"previewFactors\""},
        {R"({"previewFactors": [[1,2,3],[1,2,"3"]]})", "bad-file: kinora.json: \"previewFactors\""},
        {R"({"previewFactors": [[1,2,3],[1,2,1e6]]})", "bad-file: kinora.json: \"previewFactors\""},
        {R"({"previewFactors": 3})", "bad-file: kinora.json: \"previewFactors\""},
        {R"({"previewBias": [1,2]})", "bad-file: kinora.json: \"previewBias\""},
        {R"({"preview": 1})", "unsupported: kinora.json: \"preview\""},
    };
    for (const auto& [text, message] : texts) {
        CAPTURE(text);
        const std::string found =
            thrownBy([&] { parseModelExtras(json::parse(text), 2, "kinora.json"); });
        CAPTURE(found);
        CHECK(found.starts_with(message));
    }
    const json longName = {{"name", std::string(201, 'x')}};
    CHECK(contains(thrownBy([&] { parseModelExtras(longName, 2, "k"); }), "at most 200 bytes"));
}
