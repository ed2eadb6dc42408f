// What other programs write about a picture, and Kinora's own JSON and XMP: the same bytes are
// given to every reader.

#include "core/media/bounded_json.h"
#include "core/media/foreign_metadata.h"
#include "core/media/xmp.h"
#include "tests/fuzz/fuzz_picture_info.h"

#include <nlohmann/json.hpp>

#include <string>

using namespace kinora;

namespace {

void readProvenance(std::string_view text) {
    auto json = core::parseBoundedJson(text);
    if (!json) {
        fuzz::requirePresentable(json.error());
        return;
    }
    auto provenance = core::provenanceFromJson(*json);
    if (!provenance) {
        fuzz::requirePresentable(provenance.error());
        return;
    }
    auto again = core::provenanceFromJson(core::toJson(*provenance));
    fuzz::require(again.ok() && core::toJson(*again) == core::toJson(*provenance),
                  "what was written is read back the same");
    core::PictureInfo info;
    info.request = provenance->request;
    fuzz::requireUsable(info);
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    const std::string_view text = fuzz::text(data, size);
    for (auto* read : {core::readComfyUi, core::readInvokeAi, core::readDream}) {
        core::PictureInfo info;
        read(text, info);
        fuzz::requireUsable(info);
    }
    const core::XmpContent xmp = core::parseXmp(text);
    fuzz::require(isValidUtf8(xmp.creatorTool) && isValidUtf8(xmp.kinoraJson), "XMP is UTF-8");
    core::extendedXmp(std::as_bytes(std::span(data, size)), "0123456789ABCDEF0123456789ABCDEF");
    readProvenance(text);
    return 0;
}
