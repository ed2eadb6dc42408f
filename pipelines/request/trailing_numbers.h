#pragma once
// Numbers behind a name, as people write them: "style:0.8:0.5".

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace kinora::pipelines {

// Takes up to `most` numbers off the end of the text, each behind a colon -> them, in the order in
// which they stand. A name may have colons in it: what is no number belongs to it.
std::vector<double> takeTrailingNumbers(std::string_view& text, size_t most);

// As short as is read back as the same number: "0.8".
std::string numberText(double value);

} // namespace kinora::pipelines
