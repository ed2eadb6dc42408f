#pragma once
// Reads a golden safetensors file, for tests alone: trusted input, f32, i32 and i16 tensors.
//
//     GoldenFile file("noise/torch_cpu.safetensors");
//     std::vector<float> expected = file.floats("42");

#include <nlohmann/json.hpp>

#include <cstdint>
#include <string>
#include <vector>

namespace kinora::test {

// tests/golden/data/<name>
std::string goldenPath(const std::string& name);
nlohmann::json readGoldenJson(const std::string& name);

class GoldenFile {
  public:
    explicit GoldenFile(const std::string& name);

    std::vector<std::string> names() const;
    bool has(const std::string& name) const { return m_header.contains(name); }
    std::vector<float> floats(const std::string& name) const;
    std::vector<int32_t> integers(const std::string& name) const;
    std::vector<int16_t> shorts(const std::string& name) const;
    std::vector<int64_t> shape(const std::string& name) const;
    std::string metadata(const std::string& key) const;

  private:
    template <typename T>
    std::vector<T> values(const std::string& name, const std::string& dtype) const;

    nlohmann::json m_header;
    std::vector<char> m_data;
};

// max |a - b| / max |b|, the accuracy that all golden tests speak of; infinite where the sizes
// differ or a value is not finite.
double relativeError(const std::vector<float>& found, const std::vector<float>& expected);

} // namespace kinora::test
