#include "core/media/xmp.h"

#include "core/media/text_encoding.h"

#include <QByteArray>
#include <QCryptographicHash>
#include <QXmlStreamReader>

#include <algorithm>
#include <cstdint>
#include <optional>

namespace kinora::core {

namespace {

constexpr const char* kOurNamespace = "urn:x-kinora:1.0/";
constexpr const char* kIptcNamespace = "http://iptc.org/std/Iptc4xmpExt/2008-02-29/";
constexpr const char* kBasicNamespace = "http://ns.adobe.com/xap/1.0/";
constexpr const char* kNoteNamespace = "http://ns.adobe.com/xmp/note/";
constexpr std::string_view kExtensionMark{"http://ns.adobe.com/xmp/extension/\0", 35};
constexpr size_t kNameBytes = 32;                                     // MD5 in hexadecimal digits
constexpr size_t kHeadBytes = kExtensionMark.size() + kNameBytes + 8; // whole length, offset
constexpr size_t kPartBytes = 65'000;
constexpr size_t kMaximumBytes = 16U << 20;

std::string escaped(const std::string& text) {
    return QString::fromUtf8(text.data(), static_cast<qsizetype>(text.size()))
        .toHtmlEscaped()
        .toStdString();
}

std::string element(const char* name, const std::string& text) {
    if (text.empty()) return {};
    return std::string("   <") + name + ">" + escaped(text) + "</" + name + ">\n";
}

// The field that a property of this name belongs to; nullptr where it is none of ours.
std::string* fieldFor(XmpContent& content, QStringView space, QStringView name) {
    if (space == QLatin1String(kOurNamespace) && name == QLatin1String("provenance")) {
        return &content.kinoraJson;
    }
    if (space == QLatin1String(kIptcNamespace) && name == QLatin1String("DigitalSourceType")) {
        return &content.digitalSourceType;
    }
    if (space == QLatin1String(kBasicNamespace) && name == QLatin1String("CreatorTool")) {
        return &content.creatorTool;
    }
    if (space == QLatin1String(kNoteNamespace) && name == QLatin1String("HasExtendedXMP")) {
        return &content.extension;
    }
    return nullptr;
}

struct Segment {
    uint8_t marker;
    size_t start; // of the marker
    size_t end;
};

// The next segment of a JPEG's head; nothing at the picture data or where it is malformed.
std::optional<Segment> segmentAt(std::span<const std::byte> jpeg, size_t at) {
    const auto byte = [&](size_t i) { return std::to_integer<uint8_t>(jpeg[i]); };
    if (at + 4 > jpeg.size() || byte(at) != 0xFF || byte(at + 1) == 0xDA) return std::nullopt;
    const size_t length = static_cast<size_t>(byte(at + 2)) << 8 | byte(at + 3);
    if (length < 2 || at + 2 + length > jpeg.size()) return std::nullopt;
    return Segment{byte(at + 1), at, at + 2 + length};
}

uint32_t bigEndian(std::string_view bytes) {
    uint32_t value = 0;
    for (const char c : bytes.substr(0, 4)) value = value << 8 | static_cast<uint8_t>(c);
    return value;
}

void putBigEndian(std::string& out, uint32_t value, std::initializer_list<int> shifts) {
    for (const int shift : shifts) out += static_cast<char>(value >> shift);
}

} // namespace

std::string xmpPacket(const XmpContent& content) {
    std::string packet = "<?xpacket begin=\"\xEF\xBB\xBF\" id=\"W5M0MpCehiHzreSzNTczkc9d\"?>\n"
                         "<x:xmpmeta xmlns:x=\"adobe:ns:meta/\">\n"
                         " <rdf:RDF xmlns:rdf=\"http://www.w3.org/1999/02/22-rdf-syntax-ns#\">\n"
                         "  <rdf:Description rdf:about=\"\"";
    const auto space = [&](const char* prefix, const char* uri) {
        packet += std::string("\n    xmlns:") + prefix + "=\"" + uri + "\"";
    };
    space("xmp", kBasicNamespace);
    space("Iptc4xmpExt", kIptcNamespace);
    if (!content.kinoraJson.empty()) space("kinora", kOurNamespace);
    if (!content.extension.empty()) space("xmpNote", kNoteNamespace);
    packet += ">\n";
    packet += element("xmp:CreatorTool", content.creatorTool);
    packet += element("Iptc4xmpExt:DigitalSourceType", content.digitalSourceType);
    packet += element("kinora:provenance", content.kinoraJson);
    packet += element("xmpNote:HasExtendedXMP", content.extension);
    packet += "  </rdf:Description>\n </rdf:RDF>\n</x:xmpmeta>\n";
    const std::string_view end = "<?xpacket end=\"r\"?>";
    // Of even length: exiv2 counts the byte that WebP adds to odd chunks as text.
    if ((packet.size() + end.size()) % 2 != 0) packet += '\n';
    return packet.append(end);
}

XmpContent parseXmp(std::string_view packet) {
    XmpContent content;
    if (packet.size() > kMaximumBytes) return content;
    QXmlStreamReader xml(QByteArray(packet.data(), static_cast<qsizetype>(packet.size())));
    int depth = 0;
    while (!xml.atEnd()) {
        const QXmlStreamReader::TokenType token = xml.readNext();
        if (token == QXmlStreamReader::EndElement) --depth;
        if (token == QXmlStreamReader::DTD) break; // entities have no place in XMP
        if (token != QXmlStreamReader::StartElement) continue;
        if (++depth > 64) break;
        for (const QXmlStreamAttribute& attribute : xml.attributes()) {
            std::string* field = fieldFor(content, attribute.namespaceUri(), attribute.name());
            if (field) *field = attribute.value().toString().toStdString();
        }
        if (std::string* field = fieldFor(content, xml.namespaceUri(), xml.name())) {
            *field = xml.readElementText(QXmlStreamReader::IncludeChildElements).toStdString();
            --depth;
        }
    }
    return content;
}

std::string extendedXmpName(std::string_view extension) {
    const QByteArrayView bytes(extension.data(), static_cast<qsizetype>(extension.size()));
    return QCryptographicHash::hash(bytes, QCryptographicHash::Md5).toHex().toUpper().toStdString();
}

std::vector<std::byte> withExtendedXmp(std::span<const std::byte> jpeg,
                                       std::string_view extension) {
    size_t at = 2; // behind the start of image
    while (const std::optional<Segment> segment = segmentAt(jpeg, at)) {
        if (segment->marker < 0xE0 || segment->marker > 0xEF) break;
        at = segment->end;
    }
    std::string segments;
    for (size_t offset = 0; offset < extension.size(); offset += kPartBytes) {
        const std::string_view part = extension.substr(offset, kPartBytes);
        segments += "\xFF\xE1";
        putBigEndian(segments, static_cast<uint32_t>(2 + kHeadBytes + part.size()), {8, 0});
        segments += kExtensionMark;
        segments += extendedXmpName(extension);
        putBigEndian(segments, static_cast<uint32_t>(extension.size()), {24, 16, 8, 0});
        putBigEndian(segments, static_cast<uint32_t>(offset), {24, 16, 8, 0});
        segments += part;
    }
    std::vector<std::byte> out(jpeg.begin(), jpeg.begin() + static_cast<ptrdiff_t>(at));
    const auto bytes = std::as_bytes(std::span(segments.data(), segments.size()));
    out.insert(out.end(), bytes.begin(), bytes.end());
    out.insert(out.end(), jpeg.begin() + static_cast<ptrdiff_t>(at), jpeg.end());
    return out;
}

std::string extendedXmp(std::span<const std::byte> jpegHead, std::string_view name) {
    std::string packet;
    size_t received = 0;
    size_t at = 2;
    while (const std::optional<Segment> segment = segmentAt(jpegHead, at)) {
        at = segment->end;
        std::string_view data(reinterpret_cast<const char*>(&jpegHead[segment->start]) + 4,
                              segment->end - segment->start - 4);
        if (segment->marker != 0xE1 || !data.starts_with(kExtensionMark)) continue;
        if (data.size() < kHeadBytes || data.substr(kExtensionMark.size(), kNameBytes) != name) {
            continue;
        }
        const size_t whole = bigEndian(data.substr(kHeadBytes - 8));
        const size_t offset = bigEndian(data.substr(kHeadBytes - 4));
        data.remove_prefix(kHeadBytes);
        if (whole > kMaximumBytes || (!packet.empty() && packet.size() != whole)) return {};
        packet.resize(whole);
        if (offset > whole || data.size() > whole - offset) return {};
        std::ranges::copy(data, packet.begin() + static_cast<ptrdiff_t>(offset));
        received += data.size();
    }
    return received == packet.size() && extendedXmpName(packet) == name ? packet : std::string();
}

} // namespace kinora::core
