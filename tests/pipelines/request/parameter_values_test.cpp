#include "kernels/base/error.h"
#include "pipelines/request/parameters.h"

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include <cmath>
#include <limits>

using kinora::Error;
using kinora::ErrorCode;
using nlohmann::json;
using namespace kinora::pipelines;

namespace {

// The message and advice of the Error that the call throws; empty where it throws none.
template <typename Call> std::string errorOf(Call&& call) {
    try {
        call();
    } catch (const Error& error) {
        CHECK(error.code() == ErrorCode::InvalidArgument);
        return error.message() + " " + error.advice();
    }
    return {};
}

bool contains(const std::string& text, std::string_view part) {
    return text.find(part) != text.npos;
}

std::string setError(const char* name, std::string_view text) {
    ImageRequest request;
    return errorOf([&] { setFromText(request, *findImageParameter(name), text); });
}

std::string jsonError(const json& object) {
    return errorOf([&] { imageRequestFromJson(object); });
}

ImageRequest filled() {
    ImageRequest request;
    request.model = "starter-image";
    request.prompt = "a red \"apple\" \xf0\x9f\x8d\x8e";
    request.negative = "blurry";
    request.loras = {"style:0.8", "b:1:0.5"};
    request.ipAdapters = {"base:face.png:0.6"};
    request.imageEncoder = "image_encoder";
    request.embeddings = {"easynegative", "a.pt:<cat>"};
    request.promptEmbeddings = "off";
    request.vae = "other";
    request.refiner = "second";
    request.refinerAt = 0.75;
    request.hires = 2.0;
    request.hiresSteps = 12;
    request.hiresStrength = 0.4;
    request.hiresUpscaler = "4x_sharp";
    request.upscaler = "/models/2x.pth";
    request.denoiseTile = 512;
    request.denoiseStride = 64;
    request.outpaint = "64,0,32,8";
    request.pasteBack = "off";
    request.maskBlur = 12;
    request.steps = 24;
    request.sampler = "dpmpp_2m";
    request.schedule = "karras";
    request.cfg = 5.5;
    request.guidanceRescale = 0.7;
    request.pag = 3.0;
    request.pagAdaptive = 0.005;
    request.pagLayers = "mid,up.1";
    request.freeU = "1.5:1.6:0.9:0.2";
    request.width = 256;
    request.height = 128;
    request.originalWidth = 900;
    request.originalHeight = 700;
    request.cropLeft = 16;
    request.cropTop = 0;
    request.targetWidth = 1024;
    request.targetHeight = 1;
    request.aestheticScore = 6.5;
    request.negativeAestheticScore = 2.0;
    request.promptSyntax = "comfy";
    request.seed = 9007199254740993; // 2^53 + 1: lost where a double holds it
    request.count = 3;
    request.batch = 2;
    request.eta = 0.25;
    request.clipSkip = 2;
    request.noise = "philox";
    request.precision = "bf16";
    request.device = "cpu";
    request.background = "#10aAff";
    request.previewEvery = 5;
    request.latentsPath = "in.safetensors";
    request.latentsIndex = 4;
    request.saveLatentsPath = "out.safetensors";
    request.tiling = "on";
    request.strength = 0.6;
    request.imageCfg = 1.8;
    request.initPath = "start.png";
    request.maskPath = "mask.png";
    request.controls = {"canny:0.8", "depth:1:0:0.5"};
    request.controlPrepare = {"canny", "none"};
    request.controlGuess = "on";
    request.controlImages = {"a.png", "b.png"};
    request.adapters = {"sketch"};
    request.adapterPrepare = {"scribble"};
    request.adapterImages = {"c.png"};
    return request;
}

} // namespace

TEST_CASE("a fresh and a full request are valid") {
    CHECK_NOTHROW(validate(ImageRequest{}));
    CHECK_NOTHROW(validate(filled()));
}

TEST_CASE("validate names the parameter, the value and the range") {
    ImageRequest request;
    request.width = 100;
    std::string text = errorOf([&] { validate(request); });
    CHECK(contains(text, "width: 100"));
    CHECK(contains(text, "100 is not a multiple of 8. Use 96 or 104."));
    request.width = 8196;
    text = errorOf([&] { validate(request); });
    CHECK(contains(text, "8196 is out of range. Use 8 to 8192, a multiple of 8, or leave it out."));

    request = {};
    request.sampler = "eular";
    text = errorOf([&] { validate(request); });
    CHECK(contains(text, "sampler: 'eular'"));
    CHECK(contains(text, "ddim, ddpm, pndm, lms, euler, euler_a"));

    request = {};
    request.seed = -1;
    CHECK(contains(errorOf([&] { validate(request); }), "0 to 9223372036854775807"));
}

TEST_CASE("validate refuses what is out of range") {
    const auto refused = [](auto change) {
        ImageRequest request;
        change(request);
        return !errorOf([&] { validate(request); }).empty();
    };
    CHECK(refused([](auto& r) { r.width = 0; }));
    CHECK(refused([](auto& r) { r.width = -8; }));
    CHECK(refused([](auto& r) { r.height = 8200; }));
    CHECK(refused([](auto& r) { r.height = std::numeric_limits<int64_t>::min(); }));
    CHECK(refused([](auto& r) { r.steps = 0; }));
    CHECK(refused([](auto& r) { r.steps = std::numeric_limits<int64_t>::max(); }));
    CHECK(refused([](auto& r) { r.cfg = std::nan(""); }));
    CHECK(refused([](auto& r) { r.cfg = std::numeric_limits<double>::infinity(); }));
    CHECK(refused([](auto& r) { r.cfg = -0.5; }));
    CHECK(refused([](auto& r) { r.guidanceRescale = 1.01; }));
    CHECK(refused([](auto& r) { r.eta = std::nan(""); }));
    CHECK(refused([](auto& r) { r.count = 0; }));
    CHECK(refused([](auto& r) { r.batch = -1; }));
    CHECK(refused([](auto& r) { r.clipSkip = 33; }));
    CHECK(refused([](auto& r) { r.noise = ""; }));
    CHECK(refused([](auto& r) { r.precision = "f64"; }));
    CHECK(refused([](auto& r) { r.device = ""; }));
    CHECK(refused([](auto& r) { r.previewEvery = -1; }));
    CHECK(refused([](auto& r) { r.latentsPath = std::string(5000, 'x'); }));
}

TEST_CASE("a batch may not run past the last seed") {
    ImageRequest request;
    request.seed = std::numeric_limits<int64_t>::max();
    CHECK_NOTHROW(validate(request));
    request.count = 2;
    CHECK(contains(errorOf([&] { validate(request); }), "leaves no seeds for 2 pictures"));
}

TEST_CASE("prompts are bounded UTF-8 text") {
    ImageRequest request;
    request.prompt = std::string(100'000, 'a');
    CHECK_NOTHROW(validate(request));
    request.prompt += 'a';
    std::string text = errorOf([&] { validate(request); });
    CHECK(contains(text, "prompt: 100001 bytes are too long"));
    CHECK(contains(text, "100000"));
    CHECK(text.size() < 200);

    for (const char* bad : {"\xff", "a\xc3", "\xc0\xaf", "\xed\xa0\x80", "\xf4\x90\x80\x80",
                            "\xe2\x28\xa1", "\x80"}) {
        request.prompt = bad;
        CHECK(contains(errorOf([&] { validate(request); }), "not valid UTF-8"));
    }
    request.prompt = std::string("a\0b", 3);
    CHECK(contains(errorOf([&] { validate(request); }), "zero byte"));
    request.prompt = "\xf4\x8f\xbf\xbf \xed\x9f\xbf \xe0\xa0\x80 \xc2\x80 \xf0\x90\x80\x80";
    CHECK_NOTHROW(validate(request));
}

TEST_CASE("backgrounds are white, transparent or a colour") {
    for (const char* good : {"white", "transparent", "#000000", "#AbCdEf"})
        CHECK(setError("background", good).empty());
    for (const char* bad : {"", "black", "#fff", "#12345g", "123456", "#1234567", "#+12345"})
        CHECK(contains(setError("background", bad), "#rrggbb"));
}

TEST_CASE("text becomes values") {
    ImageRequest request;
    const auto set = [&](const char* name, const char* text) {
        setFromText(request, *findImageParameter(name), text);
    };
    set("steps", "24");
    set("cfg", "5.5");
    set("sampler", "euler");
    set("seed", "9223372036854775807");
    set("eta", "1e-1");
    set("prompt", " spaces stay ");
    CHECK(request.steps == 24);
    CHECK(request.cfg == 5.5);
    CHECK(request.sampler == "euler");
    CHECK(request.seed == std::numeric_limits<int64_t>::max());
    CHECK(request.eta == 0.1);
    CHECK(request.prompt == " spaces stay ");
}

TEST_CASE("text that is no value is refused and changes nothing") {
    for (const char* bad : {"", "24.5", "24 ", " 24", "x", "0x10", "1e3", "9223372036854775808",
                            "-9223372036854775809", "--1", "+1"})
        CHECK(contains(setError("steps", bad), "steps: "));
    for (const char* bad : {"", "five", "5,5", "nan", "inf", "-inf", "1e400", "5.5x"})
        CHECK(contains(setError("cfg", bad), "cfg: "));
    CHECK(contains(setError("steps", "\xff"), "(not text)"));
    CHECK(setError("steps", std::string(100'000, '9')).size() < 300);
    CHECK(setError("sampler", std::string(79, 'a') + "\xc3\xa9\xc3\xa9").find("\xc3'") ==
          std::string::npos);

    ImageRequest request;
    request.width = 64;
    CHECK_THROWS_AS(setFromText(request, *findImageParameter("width"), "65"), Error);
    CHECK(request.width == 64);
}

TEST_CASE("values become the text that gives them back") {
    const ImageRequest request = filled();
    ImageRequest copy;
    for (const Parameter& p : imageParameters()) {
        const auto text = toText(request, p);
        REQUIRE(text.has_value());
        setFromText(copy, p, *text);
    }
    CHECK(toJson(copy) == toJson(request));
    CHECK(toText(request, *findImageParameter("cfg")) == "5.5");
    CHECK(toText(request, *findImageParameter("seed")) == "9007199254740993");
    CHECK(!toText(ImageRequest{}, *findImageParameter("cfg")).has_value());
}

TEST_CASE("JSON is canonical") {
    ImageRequest request;
    request.cfg = 7.0;
    CHECK(
        toJson(request).dump() ==
        R"({"background":"transparent","batch":0,"cfg":7.0,"clipSkip":0,"count":1,)"
        R"("device":"auto","eta":0.0,"init":"","latents":"","latentsIndex":0,"mask":"",)"
        R"("model":"","negative":"",)"
        R"("noise":"torch-cpu","precision":"auto","prediction":"auto","preview":"auto","previewEvery":0,"prompt":"",)"
        R"("promptEmbeddings":"auto","promptSyntax":"auto","saveLatents":"","tiling":"auto"})");
}

TEST_CASE("JSON brings a request back, 64-bit seeds included") {
    const json object = toJson(filled());
    CHECK(object.size() == imageParameters().size());
    const json again = json::parse(object.dump());
    CHECK(toJson(imageRequestFromJson(again)) == object);
    CHECK(imageRequestFromJson(again).seed == 9007199254740993);
    CHECK(toJson(imageRequestFromJson(json::object())) == toJson(ImageRequest{}));
    CHECK(imageRequestFromJson({{"cfg", 5}}).cfg == 5.0);
}

TEST_CASE("a list grows by one entry, and stands in one text") {
    ImageRequest request;
    const Parameter& lora = *findImageParameter("lora");
    CHECK(isList(lora));
    addFromText(request, lora, "a:0.5");
    addFromText(request, lora, "b");
    CHECK(toText(request, lora) == "a:0.5; b");
    CHECK(toJson(request)["lora"] == json({"a:0.5", "b"}));
    setFromText(request, lora, " c ;; d:1:2 ");
    CHECK((request.loras == std::vector<std::string>{"c", "d:1:2"}));
    setFromText(request, lora, "");
    CHECK(request.loras.empty());
    CHECK(!toJson(request).contains("lora"));
    // What would be another list as text is refused.
    for (const char* entry : {"a;b", " a", "a "})
        CHECK_THROWS_AS(imageRequestFromJson({{"lora", {entry}}}), Error);
    CHECK_NOTHROW(imageRequestFromJson({{"controlImage", {""}}})); // waits for its picture
    CHECK(contains(errorOf([&] { addFromText(request, lora, ":1"); }), "lora: ':1'"));
    CHECK(request.loras.empty());
    CHECK(contains(jsonError({{"lora", "a"}}), "a list of texts"));
    CHECK(contains(jsonError({{"lora", {"a", 1}}}), "a list of texts"));
    CHECK(contains(jsonError({{"lora", std::vector<std::string>(65, "a")}}), "too many"));
}

TEST_CASE("JSON that is no request is refused") {
    CHECK(contains(jsonError(json::array()), "must be a JSON object; found array"));
    CHECK(contains(jsonError(nullptr), "JSON object"));
    CHECK(contains(jsonError({{"stepz", 20}}), "'stepz'"));
    CHECK(contains(jsonError({{"guidance-rescale", 0.5}}), "'guidance-rescale'"));
    CHECK(contains(jsonError({{"steps", "20"}}), "steps: "));
    CHECK(contains(jsonError({{"steps", 20.0}}), "whole number"));
    CHECK(contains(jsonError({{"steps", true}}), "whole number"));
    CHECK(contains(jsonError({{"steps", nullptr}}), "whole number"));
    CHECK(contains(jsonError({{"prompt", 5}}), "a text"));
    CHECK(contains(jsonError({{"cfg", "7"}}), "a number"));
    CHECK(contains(jsonError({{"cfg", 1e300}}), "out of range"));
    CHECK(contains(jsonError({{"seed", 18446744073709551615u}}), "18446744073709551615"));
    CHECK(contains(jsonError({{"width", 12}}), "multiple of 8"));
    CHECK(contains(jsonError({{"sampler", "none"}}), "ddim, ddpm"));
}

TEST_CASE("a number that no integer can hold is out of range, not something else") {
    CHECK(contains(setError("width", "99999999999999999999"),
                   "'99999999999999999999' is out of range"));
    CHECK(contains(setError("steps", "-99999999999999999999"), "Use 1 to 1000."));
    CHECK(contains(setError("cfg", "1e999"), "'1e999' is out of range. Use 0 to 100."));
    CHECK(contains(setError("width", "99999999999999999999x"), "is not a whole number"));
}
