#include "core/media/metadata.h"

#include "core/media/bounded_json.h"
#include "core/media/codec_library.h"
#include "core/media/foreign_metadata.h"
#include "core/media/found_parameters.h"
#include "core/media/icc_profile.h"
#include "core/media/input_file.h"
#include "core/media/png_text.h"
#include "core/media/text_encoding.h"
#include "core/media/xmp.h"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <map>
#include <new>

namespace kinora::core {

namespace {

using Texts = std::vector<std::pair<std::string, std::string>>;

constexpr size_t kMaximumTextBytes = 16U << 20;
constexpr size_t kMaximumTexts = 256;
constexpr size_t kMaximumHeadBytes = 32U << 20; // of a JPEG, where its metadata stand

// What a codec hands over, bounded. The callback of a plain table: no exception may leave it.
struct Collector {
    Texts entries;
    static void add(void* user, const char* key, const char* value, size_t size) {
        auto* self = static_cast<Collector*>(user);
        if (self->entries.size() >= kMaximumTexts || size > kMaximumTextBytes) return;
        try {
            self->entries.emplace_back(repairedUtf8(key), std::string(value, size));
        } catch (const std::bad_alloc&) {
            // Left out: what is there still says something.
        }
    }
};

std::string formatName(PictureKind kind) {
    switch (kind) {
    case PictureKind::Exr: return "exr";
    case PictureKind::Heif: return "avif";
    default: return codecName(kind);
    }
}

// EXIF's UserComment: eight bytes name the encoding.
std::string userCommentText(std::string_view raw) {
    if (raw.size() < 8) return {};
    const std::string_view encoding = raw.substr(0, 8);
    const std::string_view text = raw.substr(8);
    return encoding.starts_with("UNICODE") ? utf16ToUtf8(text) : trimmed(utf8OrLatin1(text));
}

Result<void> readPngFile(const InputFile& file, PictureInfo& info) {
    Result<PngSummary> summary = readPng(file.source());
    if (!summary) return summary.error();
    info.width = summary->width;
    info.height = summary->height;
    for (PngText& text : summary->texts) {
        info.texts.emplace_back(std::move(text.key), std::move(text.text));
    }
    for (const std::string& problem : summary->problems) {
        info.others.emplace_back("Damaged metadata", problem);
    }
    return {};
}

// Extended XMP, which exiv2 does not read.
std::string extensionOf(const InputFile& file, const std::string& name) {
    std::vector<std::byte> head(std::min<uint64_t>(file.size(), kMaximumHeadBytes));
    return file.read(0, head) ? extendedXmp(head, name) : std::string();
}

void addXmp(const InputFile& file, const std::string& packet, PictureInfo& info) {
    XmpContent content = parseXmp(packet);
    if (!content.extension.empty()) {
        const XmpContent rest = parseXmp(extensionOf(file, content.extension));
        if (content.kinoraJson.empty()) content.kinoraJson = rest.kinoraJson;
    }
    if (!content.kinoraJson.empty()) info.texts.emplace_back("kinora", content.kinoraJson);
    if (!content.digitalSourceType.empty()) {
        info.texts.emplace_back("DigitalSourceType", content.digitalSourceType);
    }
}

void readExifOf(const codec::CodecTable& codecs, const InputFile& file, PictureInfo& info) {
    Collector collector;
    const codec::TextSink sink{&collector, Collector::add};
    codec::Message message{};
    if (codecs.readExif(file.descriptorPath().c_str(), &sink, &message) != codec::Status::Ok) {
        info.others.emplace_back("Damaged metadata", repairedUtf8(message.text));
    }
    for (const auto& [key, value] : collector.entries) {
        if (key == "xmp") {
            addXmp(file, value, info);
        } else if (key == "UserComment") {
            const std::string text = userCommentText(value);
            if (!text.empty()) info.texts.emplace_back("parameters", text);
        } else {
            info.texts.emplace_back(key, trimmed(utf8OrLatin1(value)));
        }
    }
}

Result<void> readOtherFile(const InputFile& file, PictureKind kind, const std::string& name,
                           PictureInfo& info) {
    if (const Result<void> sound = checkColourProfile(file, kind, name); !sound) return sound;
    const Result<const codec::CodecTable*> codecs = imageCodecs();
    if (!codecs) return codecs.error();
    Collector collector;
    const codec::TextSink sink{&collector, Collector::add};
    codec::PictureFacts facts{};
    codec::Message message{};
    const codec::Status status = (*codecs)->readHeader(
        codecName(kind).c_str(), file.descriptorPath().c_str(), &facts, &sink, &message);
    if (status != codec::Status::Ok) return decodeError(status, message, name, kind);
    info.width = facts.width;
    info.height = facts.height;
    if (kind == PictureKind::Jpeg || kind == PictureKind::Webp || kind == PictureKind::Tiff) {
        readExifOf(**codecs, file, info);
        return {};
    }
    for (const auto& [key, value] : collector.entries) {
        const std::string text = utf8OrLatin1(value);
        // AVIF has one place for a text.
        const bool isOurs = key == "ImageDescription" && text.starts_with('{') &&
                            text.find("\"kinora/") != std::string::npos;
        if (!key.starts_with("oiio:")) info.texts.emplace_back(isOurs ? "kinora" : key, text);
    }
    return {};
}

const std::string* find(const Texts& texts, std::string_view key) {
    const auto found = std::ranges::find_if(texts, [&](const auto& t) { return t.first == key; });
    return found == texts.end() ? nullptr : &found->second;
}

// Kinora's own JSON; true where it is there and whole.
bool understandOurs(PictureInfo& info) {
    const std::string* text = find(info.texts, "kinora");
    if (!text) return false;
    const Result<nlohmann::json> json = parseBoundedJson(*text);
    const Result<Provenance> provenance =
        json ? provenanceFromJson(*json) : Result<Provenance>(json.error());
    if (!provenance) {
        noteDamage(info, "Kinora", provenance.error());
        return false;
    }
    info.madeWith = "Kinora";
    info.provenance = *provenance;
    info.request = provenance->request;
    return true;
}

void understandParameters(const std::string& text, PictureInfo& info) {
    PictureInfo parsed = parseParametersText(text);
    if (parsed.madeWith.empty()) return; // a comment of any kind
    info.madeWith = parsed.madeWith;
    info.request = std::move(parsed.request);
    std::ranges::move(parsed.others, std::back_inserter(info.others));
}

void understand(PictureInfo& info) {
    if (understandOurs(info)) return;
    for (const char* key : {"invokeai_metadata", "sd-metadata"}) {
        const std::string* text = find(info.texts, key);
        if (text && info.madeWith.empty()) readInvokeAi(*text, info);
    }
    const std::string* dream = find(info.texts, "Dream");
    if (dream && info.madeWith.empty()) readDream(*dream, info);
    const std::string* parameters = find(info.texts, "parameters");
    if (parameters && info.madeWith.empty()) understandParameters(*parameters, info);
    const std::string* graph = find(info.texts, "prompt");
    if (graph && info.madeWith.empty()) readComfyUi(*graph, info);
}

} // namespace

Result<PictureInfo> readPictureInfo(const std::filesystem::path& path) {
    try {
        const Result<InputFile> file = InputFile::open(path);
        if (!file) return file.error();
        const PictureKind kind = pictureKindOf(*file);
        if (kind == PictureKind::Unknown) {
            return Error(ErrorCode::BadFile,
                         shownPath(path) + ": this is not a picture that is known.",
                         "PNG, JPEG, WebP, TIFF, EXR, AVIF, GIF and BMP can be read.");
        }
        PictureInfo info;
        info.format = formatName(kind);
        const Result<void> read = kind == PictureKind::Png
                                      ? readPngFile(*file, info)
                                      : readOtherFile(*file, kind, shownPath(path), info);
        if (!read && kind == PictureKind::Png) {
            return Error(read.error().code(), shownPath(path) + ": " + read.error().message(),
                         read.error().advice());
        }
        if (!read) return read.error();
        understand(info);
        return info;
    } catch (const std::bad_alloc&) {
        return Error(ErrorCode::OutOfMemory, shownPath(path) + ": memory ran out while reading.");
    }
}

} // namespace kinora::core
