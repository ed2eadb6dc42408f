#pragma once
// What the files of a tokenizer folder say together, as transformers 5 reads them.

#include "pipelines/text/byte_pair_encoder.h"

#include <filesystem>
#include <string>
#include <vector>

namespace kinora::pipelines {

// A token that is looked for in the text before it is cut into words.
struct AddedToken {
    std::string content;
    int32_t id = 0;
    bool normalized = false; // looked for in the normalised text, not in the text as it is
};

struct TokenizerFiles {
    Vocabulary vocabulary; // added tokens included
    Merges merges;
    std::string mergesLabel; // how errors name where the merges are from
    std::vector<AddedToken> addedTokens;
    int32_t startToken = 0, endToken = 0, paddingToken = 0, unknownToken = 0;
    int maxLength = 77;
};

// tokenizer.json where there is one, else vocab.json and merges.txt; tokenizer_config.json,
// special_tokens_map.json and added_tokens.json where there. Throws Error{NotFound, BadFile,
// Unsupported} naming the file.
TokenizerFiles readTokenizerFiles(const std::filesystem::path& folder);

} // namespace kinora::pipelines
