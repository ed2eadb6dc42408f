// PNG files: the texts that are read, and that what is written again is read the same.

#include "core/media/png_text.h"
#include "tests/fuzz/fuzz_support.h"

#include <span>

using namespace kinora;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    const auto bytes = std::as_bytes(std::span(data, size));
    auto summary = core::readPng(core::memorySource(bytes));
    if (!summary) {
        fuzz::requirePresentable(summary.error());
        return 0;
    }
    for (const core::PngText& text : summary->texts) {
        fuzz::require(isValidUtf8(text.key) && isValidUtf8(text.text), "texts are UTF-8");
    }
    for (const std::string& problem : summary->problems) {
        fuzz::require(isValidUtf8(problem), "problems can be shown");
    }
    auto written = core::withPngTexts(bytes, summary->texts);
    if (!written) {
        fuzz::requirePresentable(written.error());
        return 0;
    }
    auto again = core::readPng(core::memorySource(*written));
    fuzz::require(again.ok(), "what was written is a PNG");
    fuzz::require(again->width == summary->width && again->height == summary->height,
                  "the size stays");
    fuzz::require(again->texts.size() == summary->texts.size(), "every text is written");
    for (size_t i = 0; i < again->texts.size(); ++i) {
        fuzz::require(again->texts[i].text == summary->texts[i].text, "texts stay as they are");
    }
    return 0;
}
