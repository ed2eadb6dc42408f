#pragma once
// SHA-256 as Kinora writes it: 64 hexadecimal digits, or "sha256:" and these as a name.

#include <QCryptographicHash>

#include <cstddef>
#include <span>
#include <string>
#include <string_view>

namespace kinora::core {

class Sha256 {
  public:
    void add(std::span<const std::byte> bytes);
    // Of all that was added: 64 lower-case hexadecimal digits.
    std::string digits() const;

  private:
    QCryptographicHash m_hash{QCryptographicHash::Sha256};
};

// "sha256:" and the digits.
std::string sha256Name(std::string_view digits);

bool isSha256Digits(std::string_view text);
bool isSha256Name(std::string_view text);

} // namespace kinora::core
