#include "pipelines/request/ip_adapter_choice.h"

#include <doctest/doctest.h>

using namespace kinora::pipelines;

TEST_CASE("adapter, picture and weight are told apart by colons") {
    const auto plain = parseIpAdapterChoice("plus:cat.png");
    REQUIRE(plain);
    CHECK(plain->adapter == "plus");
    CHECK(plain->picture == "cat.png");
    CHECK(plain->weight == 1);
    const auto weighted = parseIpAdapterChoice("/m/plus.bin:/p/a:b.png:0.25");
    REQUIRE(weighted);
    CHECK(weighted->picture == "/p/a:b.png");
    CHECK(weighted->weight == 0.25);
    CHECK(toText(*weighted) == "/m/plus.bin:/p/a:b.png:0.25");
    for (const char* wrong :
         {"", "plus", ":cat.png", "plus:", "plus:cat.png:11", "plus::1", "plus:cat.png:nan"})
        CHECK_FALSE(
            (parseIpAdapterChoice(wrong) && parseIpAdapterChoice(wrong)->picture != "cat.png:nan"));
}

TEST_CASE("the colon of a project's asset is a part of its name") {
    const std::string file = "asset:" + std::string(64, '1') + ".png",
                      bare = "asset:" + std::string(64, '2');
    for (const std::string& adapter : {std::string("plus"), file, bare})
        for (const std::string& picture : {std::string("cat.png"), file, bare}) {
            const auto choice = parseIpAdapterChoice(adapter + ":" + picture);
            REQUIRE(choice);
            CHECK(choice->adapter == adapter);
            CHECK(choice->picture == picture);
            CHECK(choice->weight == 1);
            const auto again = parseIpAdapterChoice(adapter + ":" + picture + ":0.5");
            REQUIRE(again);
            CHECK(again->picture == picture);
            CHECK(again->weight == 0.5);
        }
}

TEST_CASE("each adapter has one number, however often it is named") {
    ImageRequest request;
    request.ipAdapters = {"b:1.png", "a:2.png:0.5", "b:3.png"};
    CHECK(adapterNumbers(ipAdapterChoices(request)) == std::vector<size_t>{0, 1, 0});
}
