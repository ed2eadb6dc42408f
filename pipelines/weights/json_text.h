#pragma once
// JSON from outside: bounded in size and nesting, no name twice in an object, valid UTF-8. Python's
// Infinity and -Infinity are read as null.

#include <nlohmann/json_fwd.hpp>

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>

namespace kinora::pipelines {

struct JsonLimits {
    uint64_t sizeBytes = 16 * 1024 * 1024;
    int depth = 32;
};

// The object in the text. Throws Error{BadFile}, which begins with label and says where.
nlohmann::json parseJsonObject(std::string_view text, const std::string& label,
                               const JsonLimits& limits = {});

// The same from a file. Throws Error{NotFound, BadFile, Io}.
nlohmann::json readJsonFile(const std::filesystem::path& path, const std::string& label,
                            const JsonLimits& limits = {});

// A value cut to a length fit for a message.
std::string brief(const nlohmann::json& value);
std::string briefName(const std::string& name); // in quotes

// Where bytes are plainly something else than was asked for (a web page, a pointer of Git LFS, a
// pickled checkpoint): a sentence that says so; empty otherwise.
std::string knownImpostor(std::string_view firstBytes);

} // namespace kinora::pipelines
