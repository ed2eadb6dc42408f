#include "tests/support/golden_file.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <fstream>
#include <iterator>
#include <limits>
#include <stdexcept>

namespace kinora::test {

std::string goldenPath(const std::string& name) {
    return std::string(KINORA_SOURCE_DIR "/tests/golden/data/") + name;
}

nlohmann::json readGoldenJson(const std::string& name) {
    std::ifstream file(goldenPath(name));
    if (!file) throw std::runtime_error("cannot open " + goldenPath(name));
    return nlohmann::json::parse(file);
}

GoldenFile::GoldenFile(const std::string& name) {
    std::ifstream file(goldenPath(name), std::ios::binary);
    if (!file) throw std::runtime_error("cannot open " + goldenPath(name));
    uint64_t headerBytes = 0;
    file.read(reinterpret_cast<char*>(&headerBytes), sizeof headerBytes);
    std::string header(headerBytes, '\0');
    file.read(header.data(), static_cast<std::streamsize>(headerBytes));
    m_header = nlohmann::json::parse(header);
    m_data.assign(std::istreambuf_iterator<char>(file), {});
}

std::vector<std::string> GoldenFile::names() const {
    std::vector<std::string> names;
    for (const auto& [name, entry] : m_header.items())
        if (name != "__metadata__") names.push_back(name);
    return names;
}

template <typename T>
std::vector<T> GoldenFile::values(const std::string& name, const std::string& dtype) const {
    const auto& entry = m_header.at(name);
    if (entry.at("dtype") != dtype) throw std::runtime_error(name + " is not " + dtype);
    const size_t begin = entry.at("data_offsets")[0], end = entry.at("data_offsets")[1];
    if (begin > end || end > m_data.size()) throw std::runtime_error(name + " is cut short");
    std::vector<T> values((end - begin) / sizeof(T));
    std::memcpy(values.data(), m_data.data() + begin, values.size() * sizeof(T));
    return values;
}

std::vector<float> GoldenFile::floats(const std::string& name) const {
    return values<float>(name, "F32");
}

std::vector<int32_t> GoldenFile::integers(const std::string& name) const {
    return values<int32_t>(name, "I32");
}

std::vector<int16_t> GoldenFile::shorts(const std::string& name) const {
    return values<int16_t>(name, "I16");
}

std::vector<int64_t> GoldenFile::shape(const std::string& name) const {
    return m_header.at(name).at("shape");
}

std::string GoldenFile::metadata(const std::string& key) const {
    return m_header.at("__metadata__").at(key);
}

double relativeError(const std::vector<float>& found, const std::vector<float>& expected) {
    if (found.size() != expected.size()) return std::numeric_limits<double>::infinity();
    double difference = 0, largest = 0;
    for (size_t i = 0; i < found.size(); ++i) {
        if (!std::isfinite(found[i])) return std::numeric_limits<double>::infinity();
        difference = std::max(difference, std::abs(double{found[i]} - expected[i]));
        largest = std::max(largest, std::abs(double{expected[i]}));
    }
    return largest > 0 ? difference / largest : difference;
}

} // namespace kinora::test
