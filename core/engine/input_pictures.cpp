#include "core/engine/input_pictures.h"

#include "core/media/image_file.h"
#include "core/media/resize_image.h"
#include "kernels/base/error.h"

#include <cmath>
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

HostTensor toTensor(Image image) {
    return {Shape{image.height, image.width, image.channels}, std::move(image.pixels)};
}

// Luma as Pillow's L mode has it, on black.
Image toGray(const Image& image) {
    Image gray{image.width, image.height, 1, {}};
    const auto channels = static_cast<size_t>(image.channels);
    for (size_t at = 0; at < image.pixels.size(); at += channels) {
        const float* pixel = &image.pixels[at];
        const float luma = 0.299f * pixel[0] + 0.587f * pixel[1] + 0.114f * pixel[2];
        gray.pixels.push_back(channels == 4 ? luma * pixel[3] : luma);
    }
    return gray;
}

std::string sizeText(int64_t width, int64_t height) {
    return std::to_string(width) + " x " + std::to_string(height);
}

} // namespace

InputPictures InputPictures::read(const pipelines::ImageRequest& request) {
    InputPictures pictures;
    pictures.m_init = load(request.initPath);
    if (!request.maskPath.empty()) pictures.m_mask = toGray(load(request.maskPath));
    return pictures;
}

pipelines::RunInputs InputPictures::scaledTo(int64_t width, int64_t height) const {
    const auto scaled = [&](const Image& image) {
        if (image.pixels.empty()) return HostTensor{};
        return toTensor(resizeImage(image, static_cast<int>(width), static_cast<int>(height)));
    };
    return {scaled(m_init), scaled(m_mask)};
}

std::vector<std::string> InputPictures::notes(int64_t width, int64_t height) const {
    constexpr double kVisible = 0.02; // of the ratio of the sides: a few pixels are rounding
    std::vector<std::string> notes;
    if (m_mask.width > 0 && (m_mask.width != width || m_mask.height != height))
        notes.push_back("The mask is " + sizeText(m_mask.width, m_mask.height) +
                        " and is scaled to " + sizeText(width, height) + ".");
    if (m_init.width > 0) {
        const double ratio = static_cast<double>(width) * m_init.height /
                             (static_cast<double>(height) * m_init.width);
        if (std::abs(ratio - 1) > kVisible)
            notes.push_back("The picture to begin from is " +
                            sizeText(m_init.width, m_init.height) + " and is stretched to " +
                            sizeText(width, height) + ".");
    }
    return notes;
}

} // namespace kinora::core
