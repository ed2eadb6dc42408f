#pragma once
// CLIP's byte-level BPE: text to token ids, equal to transformers' CLIPTokenizer on any Unicode.

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string_view>
#include <vector>

namespace kinora::pipelines {

class ClipTokenizer {
  public:
    // folder: vocab.json and merges.txt, with tokenizer_config.json (and special_tokens_map.json)
    // where there. Throws Error{BadFile, NotFound}.
    static ClipTokenizer load(const std::filesystem::path& folder);
    ~ClipTokenizer();
    ClipTokenizer(ClipTokenizer&&) noexcept;
    ClipTokenizer& operator=(ClipTokenizer&&) noexcept;

    // The ids of the text alone, without start and end. Invalid UTF-8 throws
    // Error{InvalidArgument}; time is linear in the length.
    std::vector<int32_t> encode(std::string_view text) const;

    // Start token, at most maxLength() - 2 ids, end token, padding: maxLength() ids in all, as the
    // pipelines call it (padding="max_length", truncation=True).
    std::vector<int32_t> encodePadded(std::string_view text) const;

    int maxLength() const; // model_max_length
    int32_t startToken() const;
    int32_t endToken() const;
    int32_t paddingToken() const;
    int64_t vocabularySize() const;

  private:
    struct Data;
    explicit ClipTokenizer(std::unique_ptr<const Data> data);
    std::unique_ptr<const Data> m_data;
};

} // namespace kinora::pipelines
