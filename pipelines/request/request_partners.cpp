#include "pipelines/request/request_partners.h"

#include "kernels/base/error.h"

#include <algorithm>

namespace kinora::pipelines {
namespace {

[[noreturn]] void refuse(const std::string& message, const std::string& advice) {
    throw Error(ErrorCode::InvalidArgument, message, advice);
}

std::string counted(size_t count, const std::string& what) {
    return std::to_string(count) + " " + what + (count == 1 ? "" : "s");
}

void checkNets(const std::string& name, const std::vector<std::string>& nets,
               const std::vector<std::string>& pictures,
               const std::vector<std::string>& preparations) {
    if (nets.size() != pictures.size())
        refuse(name + ": there are " + counted(nets.size(), name) + " and " +
                   counted(pictures.size(), "picture") + " for them.",
               "Give --" + name + "-image with each.");
    if (std::ranges::any_of(pictures, &std::string::empty))
        refuse(name + ": a picture has no name.", "Give --" + name + "-image with each.");
    if (!preparations.empty() && preparations.size() != nets.size())
        refuse(name + ": there are " + counted(nets.size(), name) + " and " +
                   counted(preparations.size(), "preparation") + ".",
               "Name one for each, \"none\" where the picture stays as it is.");
}

} // namespace

void checkSteeringPictures(const ImageRequest& request) {
    checkNets("control", request.controls, request.controlImages, request.controlPrepare);
    checkNets("adapter", request.adapters, request.adapterImages, request.adapterPrepare);
}

std::vector<std::string> withoutPartner(const ImageRequest& request) {
    struct Pair {
        bool asked;
        const char* what; // with the verb that it takes
        bool partner;
        const char* missing;
    };
    const Pair pairs[] = {
        {request.refinerAt.has_value(), "The share at which a refiner begins (refiner-at) does",
         request.refiner.has_value(), "refiner"},
        {request.hiresSteps.has_value(), "The steps of a second pass (hires-steps) do",
         request.hires.has_value(), "second pass (hires)"},
        {request.hiresStrength.has_value(), "The strength of a second pass (hires-strength) does",
         request.hires.has_value(), "second pass (hires)"},
        {request.hiresUpscaler.has_value(), "The upscaler of a second pass (hires-upscaler) does",
         request.hires.has_value(), "second pass (hires)"},
        {request.denoiseStride.has_value(), "The distance of windows (denoise-stride) does",
         request.denoiseTile.has_value(), "denoising in windows (denoise-tile)"},
        {request.pasteBack.has_value(), "Pasting back (paste-back) does", hasMask(request), "mask"},
        {request.maskBlur.has_value(), "The blur of a mask (mask-blur) does", hasMask(request),
         "mask"},
        {request.controlGuess.value_or("off") != "off", "Guessing (control-guess) does",
         !request.controls.empty(), "ControlNet"},
        {request.imageEncoder.has_value(), "The picture encoder (image-encoder) does",
         !request.ipAdapters.empty(), "IP-Adapter"},
    };
    std::vector<std::string> sentences;
    for (const Pair& pair : pairs)
        if (pair.asked && !pair.partner)
            sentences.push_back(std::string(pair.what) + " not count: there is no " + pair.missing +
                                ".");
    return sentences;
}

} // namespace kinora::pipelines
