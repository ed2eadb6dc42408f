#pragma once
// Text as CLIP's tokenizer sees it: normalised, lower-cased, cut into words. Unicode data:
// utf8proc.

#include <functional>
#include <string>
#include <string_view>

namespace kinora::pipelines {

// NFC, each run of whitespace as one space, lower case, character by character (so that capital
// sigma becomes the same small one everywhere). text is valid UTF-8. Time is n log n at worst.
std::string normalizeText(std::string_view text);

// Calls word for each: a run of letters, one digit or other number, a run of anything else but
// whitespace, or an English contraction ('s 't 're 've 'm 'll 'd) at the start of a word. text is
// normalised.
void splitWords(std::string_view text, const std::function<void(std::string_view word)>& word);

} // namespace kinora::pipelines
