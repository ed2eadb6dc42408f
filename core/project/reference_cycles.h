#pragma once
// Things that name others of their kind: whether all are there, and none leads back to itself.

#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace kinora::core {

// Name, and the name that it refers to (empty: none). Empty where all is well, else a sentence:
// "'b' refers to 'c', which is not there", "'a' leads back to itself: a, b, a".
std::string referenceProblem(const std::vector<std::pair<std::string, std::string>>& references);

} // namespace kinora::core
