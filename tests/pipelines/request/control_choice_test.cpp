#include "pipelines/request/control_choice.h"

#include <doctest/doctest.h>

#include <string>

using namespace kinora::pipelines;

TEST_CASE("a control is a name, a weight and a stretch of the run") {
    const auto plain = parseControlChoice("canny");
    REQUIRE(plain);
    CHECK(plain->name == "canny");
    CHECK(plain->weight == 1);
    CHECK(plain->begin == 0);
    CHECK(plain->end == 1);
    const auto all = parseControlChoice("/models/a:b.safetensors:0.8:0.1:0.5");
    REQUIRE(all);
    CHECK(all->name == "/models/a:b.safetensors");
    CHECK(all->weight == 0.8);
    CHECK(all->begin == 0.1);
    CHECK(all->end == 0.5);
    CHECK(parseControlChoice("canny:0.5:0.2")->end == 1);
}

TEST_CASE("what makes no sense is no control") {
    for (const char* text : {"", ":0.5", "canny:101", "canny:nan", "canny:1:0.5:0.5",
                             "canny:1:0.6:0.5", "canny:1:-0.1:1", "canny:1:0:1.1", "canny:1:nan"})
        CHECK_MESSAGE(!parseControlChoice(text), text);
}

TEST_CASE("a control is written as short as says it, and renamed with its numbers") {
    for (const char* text : {"canny", "canny:0.8", "canny:1:0:0.5", "a:b:0.25:0.1:1"})
        CHECK(toText(*parseControlChoice(text)) == text);
    CHECK(toText(*parseControlChoice("canny:1:0:1")) == "canny");
    CHECK(withControlName("canny:0.8:0:0.5", "/x.safetensors") == "/x.safetensors:0.8:0:0.5");
    CHECK(withControlName("canny", "edges") == "edges");
}
