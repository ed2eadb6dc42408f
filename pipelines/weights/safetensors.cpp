#include "pipelines/weights/safetensors.h"

#include "kernels/base/error.h"
#include "pipelines/weights/convert.h"
#include "pipelines/weights/json_text.h"

#include <algorithm>
#include <array>
#include <utility>

namespace kinora::pipelines {
namespace {

constexpr size_t kBlockBytes = size_t{1} << 20;
constexpr uint64_t kLengthBytes = 8;

uint64_t littleEndian(std::span<const std::byte> bytes) {
    uint64_t value = 0;
    for (size_t i = bytes.size(); i-- > 0;)
        value = value << 8 | std::to_integer<uint64_t>(bytes[i]);
    return value;
}

// A file that is something else altogether is told so before its first bytes are taken for a
// length.
void checkKind(const RegularFile& file) {
    if (file.sizeBytes() == 0)
        throw Error(ErrorCode::BadFile, file.label() + ": is empty: the download did not begin.",
                    "Fetch the file again.");
    std::string start(std::min<uint64_t>(file.sizeBytes(), 64), '\0');
    file.read(0, std::as_writable_bytes(std::span(start)));
    // A length field may begin with any byte; the JSON after it tells a real header.
    if (start.size() > kLengthBytes && start[kLengthBytes] == '{') return;
    if (start.starts_with('{'))
        throw Error(ErrorCode::BadFile,
                    file.label() + ": is a JSON text, such as a server answers an error with, not "
                                   "a safetensors file.",
                    "Fetch the file again.");
    if (const std::string impostor = knownImpostor(start); !impostor.empty())
        throw Error(ErrorCode::BadFile, file.label() + ": " + impostor,
                    "Fetch the model again, in the safetensors format.");
}

std::string readHeader(const RegularFile& file) {
    checkKind(file);
    if (file.sizeBytes() < kLengthBytes)
        throw Error(ErrorCode::BadFile,
                    file.label() + ": has " + std::to_string(file.sizeBytes()) +
                        " bytes, fewer than a safetensors header: the download was cut short.",
                    "Fetch the file again.");
    std::array<std::byte, kLengthBytes> lengthBytes;
    file.read(0, lengthBytes);
    const uint64_t length = littleEndian(lengthBytes);
    if (length > kLongestSafetensorsHeader)
        throw Error(ErrorCode::BadFile,
                    file.label() + ": is damaged, or neither a safetensors file nor "
                                   "one of PyTorch's.",
                    "Fetch it again.");
    if (length > file.sizeBytes() - kLengthBytes)
        throw Error(ErrorCode::BadFile,
                    file.label() + ": its header is longer than the file: the download was cut "
                                   "short.",
                    "Fetch the file again.");
    std::string header(length, '\0');
    file.read(kLengthBytes, std::as_writable_bytes(std::span(header)));
    return header;
}

} // namespace

SafetensorsFile::SafetensorsFile(const std::filesystem::path& path, std::string label)
    : SafetensorsFile(RegularFile(path, std::move(label))) {}

SafetensorsFile::SafetensorsFile(RegularFile file) : m_file(std::move(file)) {
    const std::string header = readHeader(m_file);
    m_dataStart = kLengthBytes + header.size();
    m_tensors = parseSafetensorsHeader(header, m_file.sizeBytes() - m_dataStart, m_file.label(),
                                       &m_metadata);
}

const StoredTensor* SafetensorsFile::stored(std::string_view name) const {
    const auto found = std::lower_bound(
        m_tensors.begin(), m_tensors.end(), name,
        [](const StoredTensor& tensor, std::string_view wanted) { return tensor.name < wanted; });
    return found != m_tensors.end() && found->name == name ? &*found : nullptr;
}

std::optional<TensorInfo> SafetensorsFile::find(std::string_view name,
                                                const kernels::Shape&) const {
    const StoredTensor* tensor = stored(name);
    if (!tensor) return std::nullopt;
    return TensorInfo{tensor->name, tensor->dtype, tensor->shape};
}

std::vector<std::string> SafetensorsFile::names() const {
    std::vector<std::string> names;
    for (const StoredTensor& tensor : m_tensors) names.push_back(tensor.name);
    return names;
}

std::string SafetensorsFile::remark(std::string_view key) const {
    const auto found = m_metadata.find(key);
    return found == m_metadata.end() ? std::string() : found->second;
}

int64_t SafetensorsFile::totalBytes() const {
    return static_cast<int64_t>(m_file.sizeBytes() - m_dataStart);
}

void SafetensorsFile::read(std::string_view name, int64_t first, std::span<float> values) const {
    const StoredTensor* tensor = stored(name);
    if (!tensor)
        throw Error(ErrorCode::Internal, label() + ": no tensor " + std::string(name) + ".");
    const int64_t elements = tensor->shape.elements();
    if (first < 0 || first > elements || static_cast<int64_t>(values.size()) > elements - first)
        throw Error(ErrorCode::Internal,
                    label() + ": a read outside tensor " + std::string(name) + ".");
    const size_t elementBytes = kernels::sizeBytes(tensor->dtype);
    uint64_t offset = m_dataStart + tensor->begin + static_cast<uint64_t>(first) * elementBytes;
    if (tensor->dtype == kernels::DType::F32) {
        m_file.read(offset, std::as_writable_bytes(values));
        return;
    }
    std::vector<std::byte> block(std::min(kBlockBytes, values.size() * elementBytes));
    while (!values.empty()) {
        const size_t count = std::min(values.size(), kBlockBytes / elementBytes);
        m_file.read(offset, std::span(block).first(count * elementBytes));
        convertToFloat(tensor->dtype, block.data(), values.first(count));
        offset += count * elementBytes;
        values = values.subspan(count);
    }
}

} // namespace kinora::pipelines
