#pragma once
// What a picture file says about how it was made: Kinora's own JSON, and what A1111, ComfyUI and
// InvokeAI write. Hostile input throughout.

#include "core/media/provenance.h"
#include "kernels/base/result.h"

#include <filesystem>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace kinora::core {

struct PictureInfo {
    int width = 0, height = 0;
    std::string format;                   // "png"
    std::string madeWith;                 // "Kinora", "A1111", "ComfyUI", "InvokeAI", or empty
    std::optional<Provenance> provenance; // where Kinora made it
    // The parameters that could be understood, as a request (any of the programs above), and what
    // has no equal here, as name and value.
    std::optional<pipelines::ImageRequest> request;
    std::vector<std::pair<std::string, std::string>> others;
    std::vector<std::pair<std::string, std::string>> texts; // raw text entries: key, value
};

Result<PictureInfo> readPictureInfo(const std::filesystem::path& path);

// The web UIs' "parameters" text for this picture.
std::string parametersText(const Provenance& provenance, int width, int height);
// What such a text says. Never fails: what is not understood goes to `others`.
PictureInfo parseParametersText(const std::string& text);

} // namespace kinora::core
