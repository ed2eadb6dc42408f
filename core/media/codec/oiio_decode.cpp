// Pictures from files, in blocks of rows straight into the caller's memory.

#include "core/media/codec/guard.h"

#include <OpenImageIO/imageio.h>

#include <algorithm>
#include <cstring>
#include <vector>

namespace kinora::core::codec {

namespace {

constexpr int kRowsAtOnce = 64;
constexpr double kMaximumRowBytes = 1 << 30;

std::unique_ptr<OIIO::ImageInput> openInput(const char* format, const char* path) {
    quieten();
    std::unique_ptr<OIIO::ImageInput> input = OIIO::ImageInput::create(format);
    if (!input) throw CodecError{Status::Unsupported, OIIO::geterror()};
    OIIO::ImageSpec hints;
    hints.attribute("oiio:UnassociatedAlpha", 1);
    OIIO::ImageSpec found;
    if (!input->open(path, found, hints)) throw CodecError{Status::BadFile, input->geterror()};
    return input;
}

bool isCmyk(const OIIO::ImageSpec& spec) {
    const std::string jpeg = spec.get_string_attribute("jpeg:ColorSpace");
    const std::string tiff = spec.get_string_attribute("tiff:ColorSpace");
    return jpeg == "CMYK" || jpeg == "YCCK" || tiff == "CMYK" ||
           spec.get_int_attribute("tiff:PhotometricInterpretation") == 5 ||
           spec.get_string_attribute("oiio:ColorSpace") == "CMYK";
}

void checkSpec(const OIIO::ImageSpec& spec) {
    if (isCmyk(spec)) {
        throw CodecError{Status::Unsupported, "The picture is in CMYK, the colours of a press."};
    }
    if (spec.width < 1 || spec.height < 1) {
        throw CodecError{Status::BadFile, "The picture has no pixels."};
    }
    if (spec.width > kMaximumSide || spec.height > kMaximumSide) {
        throw CodecError{Status::Unsupported, "The picture has " + std::to_string(spec.width) +
                                                  " x " + std::to_string(spec.height) +
                                                  " pixels; the most is 16384 x 16384."};
    }
    if (spec.depth > 1 || spec.nchannels < 1 || spec.nchannels > 64 || spec.deep) {
        throw CodecError{Status::Unsupported, "The picture has depth or too many channels."};
    }
}

// Which channels of the file are red, green, blue and alpha; alpha is -1 where there is none.
struct Channels {
    int colour[3];
    int alpha;
};

Channels channelsOf(const OIIO::ImageSpec& spec) {
    const auto named = [&](const char* name) { return spec.channelindex(name); };
    int alpha = spec.alpha_channel >= 0 ? spec.alpha_channel : named("A");
    if (alpha >= spec.nchannels) alpha = -1; // OIIO 2.4 says 4 of GIF's four channels
    if (named("R") >= 0 && named("G") >= 0 && named("B") >= 0) {
        return {{named("R"), named("G"), named("B")},
                alpha < 0 && spec.nchannels == 4 ? named("A") : alpha};
    }
    if (spec.nchannels < 3) return {{0, 0, 0}, spec.nchannels == 2 ? 1 : -1};
    return {{0, 1, 2}, alpha > 2 ? alpha : spec.nchannels == 4 ? 3 : -1};
}

bool readRows(OIIO::ImageInput& input, const OIIO::ImageSpec& spec, int first, int end,
              float* rows) {
    if (spec.tile_width == 0) {
        return input.read_scanlines(0, 0, spec.y + first, spec.y + end, spec.z, 0, spec.nchannels,
                                    OIIO::TypeDesc::FLOAT, rows);
    }
    return input.read_tiles(0, 0, spec.x, spec.x + spec.width, spec.y + first, spec.y + end, spec.z,
                            spec.z + 1, 0, spec.nchannels, OIIO::TypeDesc::FLOAT, rows);
}

// Whole tiles, where the file has such. A hostile file may claim tiles of any height.
int rowsAtOnce(const OIIO::ImageSpec& spec) {
    if (spec.tile_width == 0) return kRowsAtOnce;
    const double bytes = 4.0 * spec.width * spec.tile_height * spec.nchannels;
    if (spec.tile_height < 1 || spec.tile_depth > 1 || bytes > kMaximumRowBytes) {
        throw CodecError{Status::Unsupported, "The picture's tiles are too large."};
    }
    return spec.tile_height;
}

PictureFacts factsOf(const OIIO::ImageSpec& spec, const std::string& format) {
    PictureFacts facts{};
    facts.width = spec.width;
    facts.height = spec.height;
    const bool isExr = format == "openexr";
    facts.linear = isExr || spec.get_string_attribute("oiio:ColorSpace") == "Linear" ||
                   spec.get_string_attribute("oiio:ColorSpace") == "linear";
    // TIFF may hold colour that is multiplied already, and OIIO 2.4 multiplies WebP's.
    facts.premultiplied =
        isExr || format == "webp" ||
        (format == "tiff" && spec.get_int_attribute("oiio:UnassociatedAlpha") == 0);
    const int orientation = spec.get_int_attribute("Orientation", 1);
    facts.orientation = orientation >= 1 && orientation <= 8 ? orientation : 1;
    return facts;
}

} // namespace

Status decode(const char* format, const char* path, const PictureSink* sink, PictureFacts* facts,
              Message* message) {
    return guarded(message, [&] {
        const std::unique_ptr<OIIO::ImageInput> input = openInput(format, path);
        const OIIO::ImageSpec spec = input->spec();
        checkSpec(spec);
        *facts = factsOf(spec, format);
        const int step = rowsAtOnce(spec);
        const Channels channels = channelsOf(spec);
        const int channelCount = channels.alpha >= 0 ? 4 : 3;
        float* out = sink->begin(sink->user, spec.width, spec.height, channelCount);
        if (!out) throw std::bad_alloc();

        const size_t stride = static_cast<size_t>(spec.nchannels);
        std::vector<float> rows(static_cast<size_t>(spec.width) * static_cast<size_t>(step) *
                                stride);
        for (int y = 0; y < spec.height; y += step) {
            const int end = std::min(y + step, spec.height);
            if (!readRows(*input, spec, y, end, rows.data())) {
                throw CodecError{Status::BadFile, input->geterror()};
            }
            const size_t count = static_cast<size_t>(spec.width) * static_cast<size_t>(end - y);
            for (size_t i = 0; i < count; ++i) {
                const float* pixel = &rows[i * stride];
                for (const int c : channels.colour) *out++ = pixel[c];
                if (channels.alpha >= 0) *out++ = pixel[channels.alpha];
            }
        }
    });
}

Status readHeader(const char* format, const char* path, PictureFacts* facts, const TextSink* sink,
                  Message* message) {
    return guarded(message, [&] {
        const std::unique_ptr<OIIO::ImageInput> input = openInput(format, path);
        const OIIO::ImageSpec& spec = input->spec();
        if (spec.width < 1 || spec.height < 1) {
            throw CodecError{Status::BadFile, "The picture has no pixels."};
        }
        *facts = factsOf(spec, format);
        for (const OIIO::ParamValue& attribute : spec.extra_attribs) {
            if (attribute.type() != OIIO::TypeDesc::STRING) continue;
            const std::string value = attribute.get_string();
            sink->add(sink->user, attribute.name().c_str(), value.data(), value.size());
        }
    });
}

} // namespace kinora::core::codec
