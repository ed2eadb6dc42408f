#pragma once
// What the commands for projects read from the command line.

#include <cstdint>
#include <filesystem>
#include <string>
#include <utility>
#include <vector>

namespace kinora::app {

// A project's file; a folder stands for the one project in it. Throws Error{InvalidArgument,
// NotFound}.
std::filesystem::path projectPathFrom(const std::string& argument);

// "name=value" each, the names as people write them: "cfg", "guidance-rescale". Throws
// Error{InvalidArgument}.
std::vector<std::pair<std::string, std::string>>
assignmentsFrom(const std::vector<std::string>& arguments);

// "7" or "7-12", both ends within 0 to tasks - 1. Throws Error{InvalidArgument}.
std::pair<int64_t, int64_t> taskRangeFrom(const std::string& argument, int64_t tasks);

} // namespace kinora::app
