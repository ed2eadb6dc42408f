#pragma once
// A project's JSON as text that people can read and compare: fields on lines of their own, each
// row of a batch on one line. The order of fields is kept.

#include <nlohmann/json_fwd.hpp>

#include <string>

namespace kinora::core {

std::string projectText(const nlohmann::ordered_json& project);

} // namespace kinora::core
