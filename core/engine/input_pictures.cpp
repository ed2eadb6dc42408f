#include "core/engine/input_pictures.h"

#include "core/engine/outpaint.h"
#include "core/media/colour.h"
#include "core/media/image_file.h"
#include "core/media/prepare/prepare_picture.h"
#include "core/media/resize_image.h"
#include "core/media/text_encoding.h"
#include "kernels/base/error.h"

#include <algorithm>
#include <cmath>
#include <iterator>
#include <utility>

namespace kinora::core {

using kernels::Shape;
using pipelines::HostTensor;

namespace {

Image load(const std::string& path) {
    if (path.empty()) return {};
    Result<Image> image = loadImage(path);
    if (!image) throw image.error();
    return std::move(*image);
}

// As the reference's pipelines scale the pictures that they are given.
Image scaledInput(const Image& image, int64_t width, int64_t height) {
    return resizeImage(image, static_cast<int>(width), static_cast<int>(height),
                       ResizeFilter::Lanczos8Bit);
}

HostTensor toTensor(Image image) {
    return {Shape{image.height, image.width, image.channels}, std::move(image.pixels)};
}

// Luma as Pillow's L mode has it, on black.
Image toGray(const Image& image) {
    if (image.channels == 1) return image;
    Image gray{image.width, image.height, 1, {}};
    const auto channels = static_cast<size_t>(image.channels);
    for (size_t at = 0; at < image.pixels.size(); at += channels) {
        const float* pixel = &image.pixels[at];
        const float luma = 0.299f * pixel[0] + 0.587f * pixel[1] + 0.114f * pixel[2];
        gray.pixels.push_back(channels == 4 ? luma * pixel[3] : luma);
    }
    return gray;
}

Image withoutAlpha(const Image& image) {
    Image opaque{image.width, image.height, 3, {}};
    for (size_t at = 0; at < image.pixels.size(); at += 4)
        opaque.pixels.insert(opaque.pixels.end(), &image.pixels[at], &image.pixels[at] + 3);
    return opaque;
}

std::string sizeText(int64_t width, int64_t height) {
    return std::to_string(width) + " x " + std::to_string(height);
}

} // namespace

HostTensor pictureForClip(const std::filesystem::path& file, int64_t side) {
    Image image = load(file.string());
    const auto longer = [&](int length, int shorter) {
        return std::max(static_cast<int>(side), static_cast<int>(side * length / shorter));
    };
    const int shorter = std::min(image.width, image.height);
    constexpr int kMostTimes = 20; // longer than wide: what is scaled is the whole
    if (std::max(image.width, image.height) / kMostTimes > shorter)
        throw Error(ErrorCode::InvalidArgument,
                    shownPath(file) + ": is more than " + std::to_string(kMostTimes) +
                        " times as long as it is wide.",
                    "An IP-Adapter sees the middle square alone: cut that out.");
    if (image.channels == 4) image = withoutAlpha(image);
    image = resizeImage(image, longer(image.width, shorter), longer(image.height, shorter),
                        ResizeFilter::Bicubic8Bit);
    const int left = (image.width - static_cast<int>(side)) / 2,
              top = (image.height - static_cast<int>(side)) / 2;
    HostTensor result{Shape{side, side, 3}, {}};
    for (int y = top; y < top + side; ++y)
        for (int x = 3 * left; x < 3 * (left + side); ++x) {
            const auto at = static_cast<size_t>(y * image.width * 3 + x);
            result.values.push_back(image.pixels[at]);
        }
    return result;
}

InputPictures InputPictures::read(const pipelines::ImageRequest& request) {
    InputPictures pictures;
    pictures.m_init = load(request.initPath);
    pictures.m_mask = load(request.maskPath);
    pictures.m_controls = readGuides(request.controlImages, request.controlPrepare);
    pictures.m_adapters = readGuides(request.adapterImages, request.adapterPrepare);
    const auto margins =
        request.outpaint ? pipelines::parseOutpaintMargins(*request.outpaint) : std::nullopt;
    if (!margins || pictures.m_init.width == 0) return pictures;
    if (pictures.m_mask.width > 0)
        pictures.m_mask =
            toGray(scaledInput(pictures.m_mask, pictures.m_init.width, pictures.m_init.height));
    OutpaintCanvas canvas = outpaintCanvas(pictures.m_init, pictures.m_mask, *margins);
    pictures.m_init = std::move(canvas.picture);
    pictures.m_mask = std::move(canvas.mask);
    return pictures;
}

std::vector<InputPictures::Guide>
InputPictures::readGuides(const std::vector<std::string>& paths,
                          const std::vector<std::string>& preparations) {
    std::vector<Guide> guides;
    for (size_t i = 0; i < paths.size(); ++i)
        guides.push_back(
            {overWhite(load(paths[i])), i < preparations.size() ? preparations[i] : "none"});
    return guides;
}

pipelines::RunInputs InputPictures::scaledTo(int64_t width, int64_t height) const {
    pipelines::RunInputs inputs;
    if (!m_init.pixels.empty()) inputs.init = toTensor(scaledInput(m_init, width, height));
    if (!m_mask.pixels.empty()) inputs.mask = toTensor(toGray(scaledInput(m_mask, width, height)));
    const auto prepared = [&](const Guide& guide) {
        return toTensor(preparePicture(scaledInput(guide.picture, width, height), guide.prepare));
    };
    std::ranges::transform(m_controls, std::back_inserter(inputs.controls), prepared);
    std::ranges::transform(m_adapters, std::back_inserter(inputs.adapters), prepared);
    return inputs;
}

HostTensor scaledPicture(const Image& picture, int64_t width, int64_t height) {
    return toTensor(resizeImage(picture, static_cast<int>(width), static_cast<int>(height)));
}

std::vector<std::string> InputPictures::notes(int64_t width, int64_t height) const {
    constexpr double kVisible = 0.02; // of the ratio of the sides: a few pixels are rounding
    std::vector<std::string> notes;
    if (m_mask.width > 0 && (m_mask.width != width || m_mask.height != height))
        notes.push_back("The mask is " + sizeText(m_mask.width, m_mask.height) +
                        " and is scaled to " + sizeText(width, height) + ".");
    const auto noteIfStretched = [&](const char* what, const Image& picture) {
        if (picture.width == 0) return;
        const double ratio = static_cast<double>(width) * picture.height /
                             (static_cast<double>(height) * picture.width);
        if (std::abs(ratio - 1) > kVisible)
            notes.push_back(std::string(what) + " is " + sizeText(picture.width, picture.height) +
                            " and is stretched to " + sizeText(width, height) + ".");
    };
    noteIfStretched("The picture to begin from", m_init);
    for (const Guide& guide : m_controls)
        noteIfStretched("The picture of a ControlNet", guide.picture);
    for (const Guide& guide : m_adapters)
        noteIfStretched("The picture of a T2I-Adapter", guide.picture);
    return notes;
}

} // namespace kinora::core
