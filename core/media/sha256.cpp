#include "core/media/sha256.h"

#include <QByteArray>

namespace kinora::core {

namespace {
constexpr std::string_view kPrefix = "sha256:";
}

void Sha256::add(std::span<const std::byte> bytes) {
    m_hash.addData(QByteArrayView(bytes.data(), static_cast<qsizetype>(bytes.size())));
}

std::string Sha256::digits() const {
    return m_hash.result().toHex().toStdString();
}

std::string sha256Name(std::string_view digits) {
    return std::string(kPrefix).append(digits);
}

bool isSha256Digits(std::string_view text) {
    return text.size() == 64 && text.find_first_not_of("0123456789abcdef") == std::string::npos;
}

bool isSha256Name(std::string_view text) {
    return text.starts_with(kPrefix) && isSha256Digits(text.substr(kPrefix.size()));
}

} // namespace kinora::core
