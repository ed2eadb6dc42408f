#include "pipelines/request/parameters.h"

#include <doctest/doctest.h>

#include <cctype>
#include <cmath>
#include <set>
#include <string>

using namespace kinora::pipelines;

namespace {

bool isNumber(const Parameter& p) {
    return !std::holds_alternative<std::string ImageRequest::*>(p.field) &&
           !std::holds_alternative<std::optional<std::string> ImageRequest::*>(p.field);
}

} // namespace

TEST_CASE("every field of a request has exactly one row") {
    // 65 fields: a new one without a row, or a row too many, changes one side only.
    CHECK(imageParameters().size() == 68);
    std::set<size_t> fields;
    const ImageRequest request;
    for (const Parameter& p : imageParameters())
        std::visit(
            [&](auto field) {
                fields.insert(static_cast<size_t>(reinterpret_cast<const char*>(&(request.*field)) -
                                                  reinterpret_cast<const char*>(&request)));
            },
            p.field);
    CHECK(fields.size() == imageParameters().size());
}

TEST_CASE("names and options are unique and spelled alike") {
    std::set<std::string_view> names, options;
    for (const Parameter& p : imageParameters()) {
        CAPTURE(p.name);
        CHECK(names.insert(p.name).second);
        CHECK(options.insert(p.option).second);
        std::string dashed;
        for (char c : p.name)
            if (std::isupper(static_cast<unsigned char>(c)))
                dashed += {'-', static_cast<char>(std::tolower(c))};
            else
                dashed += c;
        CHECK(dashed == p.option);
        CHECK(findImageParameter(p.name) == &p);
    }
    CHECK(findImageParameter("guidance-rescale") == nullptr);
}

TEST_CASE("labels and help are sentence case, one line, without a full stop") {
    for (const Parameter& p : imageParameters()) {
        CAPTURE(p.name);
        for (std::string_view text : {p.label, p.help}) {
            REQUIRE(!text.empty());
            CHECK(std::isupper(static_cast<unsigned char>(text[0])));
            CHECK(text.find('\n') == text.npos);
            CHECK(text.back() != '.');
        }
        CHECK(p.help.size() <= 90);
    }
}

TEST_CASE("fallbacks lie in their range and are what a fresh request says") {
    for (const Parameter& p : imageParameters()) {
        CAPTURE(p.name);
        CHECK(p.minimum <= p.maximum);
        if (const auto* text = std::get_if<std::string>(&p.fallback)) {
            CHECK(!isNumber(p));
            ImageRequest request;
            CHECK_NOTHROW(setFromText(request, p, *text));
        }
        if (const auto* whole = std::get_if<int64_t>(&p.fallback)) {
            CHECK(static_cast<double>(*whole) >= p.minimum);
            CHECK(static_cast<double>(*whole) <= p.maximum);
        }
        const auto said = toText(ImageRequest{}, p);
        if (!said) continue;
        if (const auto* text = std::get_if<std::string>(&p.fallback)) CHECK(*said == *text);
        if (const auto* whole = std::get_if<int64_t>(&p.fallback))
            CHECK(*said == std::to_string(*whole));
        if (const auto* real = std::get_if<double>(&p.fallback)) CHECK(std::stod(*said) == *real);
    }
}

TEST_CASE("verify replays what decides the picture") {
    const std::set<std::string_view> expected = {"model",
                                                 "prompt",
                                                 "lora",
                                                 "control",
                                                 "controlPrepare",
                                                 "controlGuess",
                                                 "adapter",
                                                 "adapterPrepare",
                                                 "ipAdapter",
                                                 "imageEncoder",
                                                 "vae",
                                                 "negative",
                                                 "steps",
                                                 "sampler",
                                                 "schedule",
                                                 "cfg",
                                                 "guidanceRescale",
                                                 "pag",
                                                 "pagAdaptive",
                                                 "pagLayers",
                                                 "freeu",
                                                 "width",
                                                 "height",
                                                 "seed",
                                                 "eta",
                                                 "clipSkip",
                                                 "noise",
                                                 "background",
                                                 "prediction",
                                                 "tiling",
                                                 "strength",
                                                 "imageCfg",
                                                 "promptSyntax",
                                                 "embedding",
                                                 "promptEmbeddings",
                                                 "refiner",
                                                 "refinerAt",
                                                 "hires",
                                                 "hiresSteps",
                                                 "hiresStrength",
                                                 "hiresUpscaler",
                                                 "upscaler",
                                                 "denoiseTile",
                                                 "denoiseStride",
                                                 "outpaint",
                                                 "pasteBack",
                                                 "maskBlur",
                                                 "originalWidth",
                                                 "originalHeight",
                                                 "cropLeft",
                                                 "cropTop",
                                                 "targetWidth",
                                                 "targetHeight",
                                                 "aestheticScore",
                                                 "negativeAestheticScore"};
    std::set<std::string_view> found;
    for (const Parameter& p : imageParameters())
        if (p.role == ParameterRole::Result) found.insert(p.name);
    CHECK(found == expected);
}
